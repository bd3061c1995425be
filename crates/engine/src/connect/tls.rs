//! How much of a server's certificate is checked, by `sslmode`, as libpq does it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore,
    SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::dsn::PgTarget;
use crate::{Error, Result};

/// A connector that checks what the target's `sslmode` asks for.
///
/// # Errors
/// If the file that `sslrootcert` names cannot be read.
pub(super) fn connector(target: &PgTarget) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(ring::default_provider());
    let given = given_certificates(target)?;
    let trust = match target.sslmode.as_str() {
        "verify-full" => Trust::Name(chain_verifier(&given, &provider)?),
        "verify-ca" => Trust::Chain(chain_verifier(&given, &provider)?),
        // libpq checks the chain with `require` too as soon as it is told whom to trust.
        _ if target.parameter("sslrootcert").is_some() => {
            Trust::Chain(chain_verifier(&given, &provider)?)
        }
        _ => Trust::Anyone,
    };
    let given = given.unwrap_or_default();
    let verifier = Verifier { trust, given, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|it| tls_error("cannot set up TLS").caused_by(it))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn tls_error(message: impl Into<String>) -> Error {
    Error::new("postgres-tls", message)
}

/// The certificates that the address names, `None` if it names none.
fn given_certificates(target: &PgTarget) -> Result<Option<Vec<CertificateDer<'static>>>> {
    let read = match (target.parameter("sslrootcert-pem"), target.parameter("sslrootcert")) {
        (Some(pem), _) => CertificateDer::pem_slice_iter(pem.as_bytes()).collect(),
        (None, Some(path)) if path != "system" => {
            CertificateDer::pem_file_iter(path).and_then(Iterator::collect)
        }
        _ => return Ok(None),
    };
    read.map(Some)
        .map_err(|it| tls_error("cannot read the certificates of `sslrootcert`").caused_by(it))
}

/// Trusts the given certificates, else the public authorities that Node trusts too.
fn chain_verifier(
    given: &Option<Vec<CertificateDer<'static>>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    match given {
        Some(given) => drop(roots.add_parsable_certificates(given.iter().cloned())),
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|it| tls_error("no trusted certificate to verify the server with").caused_by(it))
}

/// What has to be true of a server's certificate.
#[derive(Debug)]
enum Trust {
    /// Encrypted, but whoever answers is believed.
    Anyone,
    /// Signed by somebody trusted, for whatever name.
    Chain(Arc<WebPkiServerVerifier>),
    /// Signed by somebody trusted, for this name.
    Name(Arc<WebPkiServerVerifier>),
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    /// A server may show one of these itself; an authority need not have signed it then.
    given: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let (verifier, any_name) = match &self.trust {
            Trust::Anyone => return Ok(ServerCertVerified::assertion()),
            Trust::Chain(verifier) => (verifier, true),
            Trust::Name(verifier) => (verifier, false),
        };
        if self.given.iter().any(|it| it.as_ref() == end_entity.as_ref()) {
            if !any_name {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        let verdict =
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verdict {
            // The name is looked at last, so everything before it was in order.
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if any_name => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
