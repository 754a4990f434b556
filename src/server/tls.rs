use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config;

/// The server's side of TLS, with a certificate that can be changed while connections are open.
#[derive(Clone)]
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct TlsError {
    path: PathBuf,
    reason: String,
}

impl Tls {
    /// Reads certificate and key.
    pub(super) fn load(files: &config::Tls) -> Result<Self, TlsError> {
        let current = Arc::new(Current(ArcSwap::new(read(files)?)));
        let unusable =
            |error: rustls::Error| TlsError { path: files.cert.clone(), reason: error.to_string() };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), current })
    }

    /// Reads the files again; new handshakes use what they hold now.
    pub(super) fn reload(&self, files: &config::Tls) -> Result<(), TlsError> {
        self.current.0.store(read(files)?);
        Ok(())
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }
}

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn read(files: &config::Tls) -> Result<Arc<CertifiedKey>, TlsError> {
    let fail = |path: &PathBuf, reason: String| TlsError { path: path.clone(), reason };
    let certs = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fail(&files.cert, error.to_string()))?;
    if certs.is_empty() {
        return Err(fail(&files.cert, "the file holds no certificate in PEM form".to_owned()));
    }
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| fail(&files.key, error.to_string()))?;
    let key = ring::sign::any_supported_type(&key).map_err(|error| fail(&files.key, error.to_string()))?;
    let certified = CertifiedKey::new(certs, key);
    certified
        .keys_match()
        .map_err(|error| fail(&files.key, format!("the key does not belong to the certificate: {error}")))?;
    Ok(Arc::new(certified))
}
