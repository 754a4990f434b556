use std::net::IpAddr;
use std::sync::Arc;

use crate::Dimension;

/// Where a request stands: its value in each [`Dimension`] that is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dimensions {
    values: [Option<Arc<str>>; Dimension::ALL.len()],
    address: Option<IpAddr>,
}

impl Dimensions {
    /// Of which nothing is known.
    pub const fn new() -> Self {
        Self { values: [const { None }; Dimension::ALL.len()], address: None }
    }

    /// Says the value in a dimension.
    #[must_use]
    pub fn with(mut self, dimension: Dimension, value: impl Into<Arc<str>>) -> Self {
        self.set(dimension, Some(value.into()));
        self
    }

    /// Says the client's address. Of an IPv6 address the first 64 bits count: a customer has all
    /// addresses below them.
    #[must_use]
    pub const fn with_address(mut self, address: IpAddr) -> Self {
        self.address = Some(network(address));
        self
    }

    /// Says the value in a dimension, or that there is none.
    pub fn set(&mut self, dimension: Dimension, value: Option<Arc<str>>) {
        if let Some(place) = self.values.get_mut(dimension as usize) {
            *place = value;
        }
    }

    /// The value in a dimension, if there is one. An address given as such is in [`Self::address`].
    pub fn value(&self, dimension: Dimension) -> Option<&str> {
        self.values.get(dimension as usize)?.as_deref()
    }

    /// The client's network, if it was given as an address.
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

/// The network that counts as one client.
const fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(std::net::Ipv6Addr::from_bits(v6.to_bits() & !(u64::MAX as u128))),
        },
    }
}
