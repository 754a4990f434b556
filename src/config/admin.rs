//! Where keys are administered.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Path, error::Problem};

/// Where keys are administered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admin {
    /// The address of its own; none where it shares the gateway's.
    pub listen: Option<SocketAddr>,
}

/// Where keys are administered, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AdminFile {
    /// An address and port of its own for `/admin/v1`. Default: that of the gateway.
    listen: Option<String>,
}

impl AdminFile {
    pub(super) fn validate(&self) -> Result<Admin, Problem> {
        let listen = self.listen.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let read = |text: &str| {
            let address = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
            address.as_deref().unwrap_or(text).parse().map_err(|_| {
                Problem::value(Path::of(&["admin", "listen"]), "not an address and port")
                    .hint("as in 127.0.0.1:8081")
            })
        };
        Ok(Admin { listen: listen.map(read).transpose()? })
    }
}
