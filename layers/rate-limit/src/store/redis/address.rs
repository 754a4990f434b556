use percent_encoding::percent_decode_str;

use super::{RedisSettings, RedisStoreError};

/// A URL, understood.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) kind: Kind,
    pub(super) tls: bool,
    pub(super) hosts: Vec<(String, u16)>,
    pub(super) database: u16,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
}

/// What is at the address.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// One server.
    Single,
    /// Some nodes of a cluster.
    Cluster,
    /// Sentinels, who know where the master is.
    Sentinel { master: String, user: Option<String>, password: Option<String> },
}

impl Address {
    pub(super) fn parse(settings: &RedisSettings) -> Result<Self, RedisStoreError> {
        let (scheme, rest) =
            settings.url.split_once("://").ok_or_else(|| RedisStoreError::url("no scheme"))?;
        let (protocol, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        let tls = match protocol {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return Err(RedisStoreError::url(format!("unknown scheme: {scheme}"))),
        };
        if rest.contains('#') {
            return Err(RedisStoreError::url("a fragment means nothing here"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));

        let mut parameters = parameters(query)?;
        let (kind, database, port) = match kind {
            "" => (Kind::Single, path, 6379),
            "cluster" => (Kind::Cluster, path, 6379),
            "sentinel" => {
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() {
                    return Err(RedisStoreError::url("no name of a master after the sentinels"));
                }
                let (user, password) = (parameters.user.take(), parameters.password.take());
                (Kind::Sentinel { master: decode(master)?, user, password }, database, 26379)
            }
            _ => return Err(RedisStoreError::url(format!("unknown scheme: {scheme}"))),
        };
        if parameters.user.is_some() || parameters.password.is_some() {
            return Err(RedisStoreError::url("sentinel_user and sentinel_password without sentinels"));
        }
        let hosts = hosts.split(',').map(|host| parse_host(host, port)).collect::<Result<Vec<_>, _>>()?;
        if hosts.len() > 1 && kind == Kind::Single {
            return Err(RedisStoreError::url("several hosts, but neither redis+cluster nor redis+sentinel"));
        }
        let database = match database {
            "" => 0,
            number => {
                let wrong = |_| RedisStoreError::url(format!("the database is no number: {number}"));
                number.parse().map_err(wrong)?
            }
        };
        let (user, password) = parse_credentials(credentials)?;
        let user = user.or_else(|| settings.user.clone());
        let password = password.or_else(|| settings.password.clone());
        if user.is_some() && password.is_none() {
            return Err(RedisStoreError::url("a user without a password"));
        }
        Ok(Self { kind, tls, hosts, database, user, password })
    }

    pub(super) fn is_cluster(&self) -> bool {
        self.kind == Kind::Cluster
    }
}

#[derive(Default)]
struct Parameters {
    user: Option<String>,
    password: Option<String>,
}

fn parameters(query: &str) -> Result<Parameters, RedisStoreError> {
    let mut parameters = Parameters::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "sentinel_user" => parameters.user = Some(decode(value)?),
            "sentinel_password" => parameters.password = Some(decode(value)?),
            _ => return Err(RedisStoreError::url(format!("unknown parameter: {name}"))),
        }
    }
    Ok(parameters)
}

fn parse_credentials(text: &str) -> Result<(Option<String>, Option<String>), RedisStoreError> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let some = |text| decode(text).map(|text| (!text.is_empty()).then_some(text));
    Ok((some(user)?, some(password)?))
}

fn parse_host(text: &str, default_port: u16) -> Result<(String, u16), RedisStoreError> {
    // An IPv6 address stands in brackets, as it has colons itself.
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or(rest))),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err(RedisStoreError::url("no host"));
    }
    let port = match port {
        None => default_port,
        Some(port) => match port.parse() {
            Ok(port) if port > 0 => port,
            // Not shown: where a password was not encoded, a piece of it may stand here.
            _ => return Err(RedisStoreError::url("a port is no number from 1 to 65535")),
        },
    };
    Ok((host.to_owned(), port))
}

fn decode(text: &str) -> Result<String, RedisStoreError> {
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| RedisStoreError::url("what is percent-encoded is no UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, String> {
        Address::parse(&RedisSettings::new(url)).map_err(|error| {
            let text = error.to_string();
            text.strip_prefix("redis url: ").unwrap().lines().next().unwrap().to_owned()
        })
    }

    #[test]
    fn one_server() {
        let address = parse("redis://localhost").ok().unwrap();
        assert_eq!(address.hosts, [("localhost".to_owned(), 6379)]);
        assert!(!address.tls && address.database == 0 && address.password.is_none());
        let address = parse("rediss://me:p%40ss%2F@[::1]:7000/3").ok().unwrap();
        assert_eq!(address.hosts, [("::1".to_owned(), 7000)]);
        assert!(address.tls && address.database == 3);
        assert_eq!((address.user.as_deref(), address.password.as_deref()), (Some("me"), Some("p@ss/")));
        assert_eq!(parse("valkey://:secret@h").ok().unwrap().password.as_deref(), Some("secret"));
    }

    #[test]
    fn a_cluster() {
        let address = parse("redis+cluster://:secret@a:1,b,[::1]:3").ok().unwrap();
        assert!(address.is_cluster());
        let hosts = [("a".to_owned(), 1), ("b".to_owned(), 6379), ("::1".to_owned(), 3)];
        assert_eq!(address.hosts, hosts);
    }

    #[test]
    fn sentinels() {
        let address = parse("valkeys+sentinel://u:p@a,b:1/main/2?sentinel_password=s").ok().unwrap();
        let kind = Kind::Sentinel { master: "main".to_owned(), user: None, password: Some("s".to_owned()) };
        assert!(address.kind == kind && address.tls && address.database == 2);
        assert_eq!(address.hosts, [("a".to_owned(), 26379), ("b".to_owned(), 1)]);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (url, said) in [
            ("localhost:6379", "no scheme"),
            ("http://localhost", "unknown scheme: http"),
            ("redis+ring://localhost", "unknown scheme: redis+ring"),
            ("redis://", "no host"),
            ("redis://a,b", "several hosts, but neither redis+cluster nor redis+sentinel"),
            ("redis://a:0", "a port is no number from 1 to 65535"),
            ("redis://a:1/x", "the database is no number: x"),
            ("redis://me@a", "a user without a password"),
            ("redis://a#insecure", "a fragment means nothing here"),
            ("redis://a?db=1", "unknown parameter: db"),
            ("redis+sentinel://a", "no name of a master after the sentinels"),
            ("redis://a?sentinel_user=x", "sentinel_user and sentinel_password without sentinels"),
            ("redis://:%ff@a", "what is percent-encoded is no UTF-8"),
            ("redis+cluster://a,,b", "no host"),
        ] {
            assert_eq!(parse(url).err().as_deref(), Some(said), "{url}");
        }
    }

    #[test]
    fn passwords_are_not_told() {
        let error = parse("redis://me:hunter2/x@host:1").err().unwrap();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(!format!("{:?}", RedisSettings::new("redis://:hunter2@host")).contains("hunter2"));
    }
}
