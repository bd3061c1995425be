//! How much of a server's certificate is checked, by `sslmode`, as libpq does it.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::TLS13;
use rustls::{
    ALL_VERSIONS, CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError,
    RootCertStore, SignatureScheme, SupportedProtocolVersion,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::dsn::PgTarget;
use crate::{Error, Result};

/// A connector that checks what the target's `sslmode` asks for, and shows our certificate if there is
/// one.
///
/// # Errors
/// If a file that `sslrootcert`, `sslcert` or `sslkey` names cannot be used.
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
        .with_protocol_versions(versions(target))
        .map_err(|it| tls_error("cannot set up TLS").caused_by(it))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match own_certificate(target)? {
        Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(|it| {
            tls_error("`sslcert` and `sslkey` do not belong together").caused_by(it)
        })?,
        None => config.with_no_client_auth(),
    };
    config.enable_sni = target.parameter("sslsni") != Some("0");
    if target.parameter("sslnegotiation") == Some("direct") {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

/// Nothing below 1.2 is ever spoken.
fn versions(target: &PgTarget) -> &'static [&'static SupportedProtocolVersion] {
    static NEWEST: &[&SupportedProtocolVersion] = &[&TLS13];
    match target.parameter("ssl_min_protocol_version") {
        Some("TLSv1.3") => NEWEST,
        _ => ALL_VERSIONS,
    }
}

/// Our certificate with its chain, and its key, if the address names them.
fn own_certificate(
    target: &PgTarget,
) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>> {
    let named = (target.parameter("sslcert"), target.parameter("sslkey"));
    let (certificate, key) = match named {
        _ if target.parameter("sslcertmode") == Some("disable") => return Ok(None),
        (None, _) => return Ok(None),
        (Some(_), None) => {
            return Err(tls_error("`sslcert` is given without its key; nothing was asked")
                .next("name the key with `sslkey=FILE`"));
        }
        (Some(certificate), Some(key)) => (certificate, key),
    };
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|it| {
        tls_error(format!("cannot read the certificate of `sslcert`, `{certificate}`"))
            .caused_by(it)
    })?;
    refuse_open_key(key)?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|it| {
        tls_error(format!("cannot read the key of `sslkey`, `{key}`"))
            .caused_by(it)
            .next("it has to be a PEM file without a password: openssl pkey -in KEY -out PLAIN_KEY")
    })?;
    Ok(Some((chain, key_der)))
}

/// libpq refuses a key that others may read, so `pg_dump` would fail later.
fn refuse_open_key(path: &str) -> Result<()> {
    let Ok(meta) = std::fs::metadata(path) else { return Ok(()) };
    // The key of the system's administrator may be readable for a group.
    let allowed = if meta.uid() == 0 { 0o037 } else { 0o077 };
    if meta.mode() & allowed == 0 {
        return Ok(());
    }
    Err(tls_error(format!("others may read the key of `sslkey`, `{path}`; nothing was asked"))
        .next(format!("chmod 600 {path}")))
}

/// Where systems keep the certificates of the authorities that they trust.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The authorities that this machine trusts, as a file.
pub(crate) fn system_bundle() -> Option<&'static str> {
    BUNDLES.into_iter().find(|it| std::path::Path::new(it).is_file())
}

fn tls_error(message: impl Into<String>) -> Error {
    Error::new("postgres-tls", message)
}

/// The certificates that the address names, `None` if it names none.
fn given_certificates(target: &PgTarget) -> Result<Option<Vec<CertificateDer<'static>>>> {
    let Some(path) = target.parameter("sslrootcert").filter(|it| *it != "system") else {
        return Ok(None);
    };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let read: Vec<_> = read.map_err(|it| {
        tls_error(format!("cannot read the certificates of `sslrootcert`, `{path}`")).caused_by(it)
    })?;
    Ok(Some(read))
}

/// Trusts the given certificates, else the public authorities: those that Node trusts too, and those
/// of this machine.
fn chain_verifier(
    given: &Option<Vec<CertificateDer<'static>>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    match given {
        Some(given) => drop(roots.add_parsable_certificates(given.iter().cloned())),
        None => {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            let found = system_bundle().map(CertificateDer::pem_file_iter);
            let found = found.and_then(Result::ok).into_iter().flatten().flatten();
            roots.add_parsable_certificates(found);
        }
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
        let verdict =
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let is_given = || self.given.iter().any(|it| it.as_ref() == end_entity.as_ref());
        match verdict {
            // The name is looked at last, so everything before it was in order.
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if any_name => Ok(ServerCertVerified::assertion()),
            // A server may show one of the given certificates itself. Its dates are looked at before
            // who signed it, so they were in order.
            Err(TlsError::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::Other(_),
            )) if is_given() => {
                if !any_name {
                    verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
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
