use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config;

/// The server's side of TLS, with certificates that can be changed while connections are open.
#[derive(Clone)]
pub(super) struct Tls(Arc<ArcSwap<ServerConfig>>);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct TlsError {
    path: PathBuf,
    reason: String,
}

impl Tls {
    /// Reads certificates and key.
    pub(super) fn load(files: &config::Tls) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(ArcSwap::from_pointee(config(files)?))))
    }

    /// Reads files again. Nothing changes before they are [held](Self::hold).
    pub(super) fn read(files: &config::Tls) -> Result<ServerConfig, TlsError> {
        config(files)
    }

    /// New handshakes use what was read.
    pub(super) fn hold(&self, read: ServerConfig) {
        self.0.store(Arc::new(read));
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.0.load_full()).accept(stream).await
    }
}

fn config(files: &config::Tls) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let unusable = |error: rustls::Error| TlsError { path: files.cert.clone(), reason: error.to_string() };
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let builder = match &files.client {
        None => builder.with_no_client_auth(),
        Some(client) => builder.with_client_cert_verifier(verifier(client, provider)?),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(read(files)?)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// What verifies the certificates of clients.
fn verifier(
    client: &config::ClientCertificates,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let fail = |reason: String| TlsError { path: client.ca.clone(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&client.ca)? {
        roots.add(certificate).map_err(|error| fail(error.to_string()))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if client.is_required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| fail(error.to_string()))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let fail = |reason: String| TlsError { path: file.to_owned(), reason };
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fail(error.to_string()))?;
    if certificates.is_empty() {
        return Err(fail("the file holds no certificate in PEM form".to_owned()));
    }
    Ok(certificates)
}

fn read(files: &config::Tls) -> Result<CertifiedKey, TlsError> {
    let certs = certificates(&files.cert)?;
    let fail = |reason: String| TlsError { path: files.key.clone(), reason };
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| fail(error.to_string()))?;
    let key = ring::sign::any_supported_type(&key).map_err(|error| fail(error.to_string()))?;
    let certified = CertifiedKey::new(certs, key);
    certified
        .keys_match()
        .map_err(|error| fail(format!("the key does not belong to the certificate: {error}")))?;
    Ok(certified)
}
