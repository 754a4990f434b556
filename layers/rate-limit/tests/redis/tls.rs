use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tollway_rate_limit::Store as _;
use tollway_rate_limit::store::redis::{ClientCertificate, RedisSettings, RedisStore};

use super::server::{Server, folder};

/// Who vouches for servers and clients.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    fn issue(&self, name: &str) -> ClientCertificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        ClientCertificate { chain: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
    }
}

/// A server that speaks TLS only, as `localhost`.
fn start(folder: &Path, authority: &Authority, asks_who: &str) -> Option<Server> {
    let file = |name: &str, content: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let own = authority.issue("localhost");
    let (ca, chain, key) =
        (file("ca.pem", &authority.pem()), file("cert.pem", &own.chain), file("key.pem", &own.key));
    Server::start(&[
        "--port",
        "0",
        "--tls-port",
        "PORT",
        "--tls-ca-cert-file",
        &ca,
        "--tls-cert-file",
        &chain,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        asks_who,
    ])
}

async fn answers(settings: &RedisSettings) -> Result<(), String> {
    let store = RedisStore::new(settings).map_err(|error| error.to_string())?;
    let answer = store.take(Vec::new()).await;
    answer.map(drop).map_err(|error| std::error::Error::source(&error).unwrap().to_string())
}

#[tokio::test]
async fn a_server_is_believed_by_its_certificate() {
    let folder = folder();
    let (authority, other) = (Authority::new("ours"), Authority::new("others"));
    let Some(server) = start(&folder, &authority, "no") else { return };
    let mut settings = RedisSettings::new(format!("rediss://localhost:{}", server.port()));
    settings.authorities = Some(authority.pem());
    assert_eq!(answers(&settings).await, Ok(()));

    // By nobody's word but this one's, and by its own name only.
    for authorities in [None, Some(other.pem())] {
        settings.authorities = authorities;
        let error = answers(&settings).await.unwrap_err();
        assert!(error.contains("UnknownIssuer"), "{error}");
    }
    settings.authorities = Some(authority.pem());
    settings.url = format!("rediss://127.0.0.1:{}", server.port());
    let error = answers(&settings).await.unwrap_err();
    assert!(error.contains("not valid for name"), "{error}");
    settings.url = format!("redis://localhost:{}", server.port());
    assert!(answers(&settings).await.is_err());
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_server_may_ask_who_we_are() {
    let folder = folder();
    let (authority, other) = (Authority::new("ours"), Authority::new("others"));
    let Some(server) = start(&folder, &authority, "yes") else { return };
    let mut settings = RedisSettings::new(format!("rediss://localhost:{}", server.port()));
    settings.authorities = Some(authority.pem());
    assert!(answers(&settings).await.is_err());
    settings.certificate = Some(other.issue("us"));
    assert!(answers(&settings).await.is_err());
    settings.certificate = Some(authority.issue("us"));
    assert_eq!(answers(&settings).await, Ok(()));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn certificates_that_are_none_are_an_error_at_once() {
    let mut settings = RedisSettings::new("rediss://localhost");
    settings.authorities =
        Some(b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n".to_vec());
    let error = RedisStore::new(&settings).unwrap_err().to_string();
    assert!(error.starts_with("redis certificates: "), "{error}");
    settings.authorities = Some(b"no certificate".to_vec());
    assert!(RedisStore::new(&settings).is_err());
    // They would not be used.
    settings.authorities = Some(Authority::new("ours").pem());
    settings.url = "redis://localhost".to_owned();
    assert!(RedisStore::new(&settings).is_err());
}
