use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

/// HTTPS in front of a server that speaks HTTP, ended with this value. Its certificate is for 127.0.0.1 and for no name,
/// and nobody has signed it.
pub struct TlsFront {
    address: SocketAddr,
    /// `None` only while being dropped.
    runtime: Option<Runtime>,
}

impl fmt::Debug for TlsFront {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsFront").field(&self.address).finish()
    }
}

impl Drop for TlsFront {
    /// Without waiting, because tests may themselves run in a runtime.
    fn drop(&mut self) {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// Until 2120.
const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBODCB3qADAgECAgEBMAoGCCqGSM49BAMCMBoxGDAWBgNVBAMMD0Zyb250ZGVz
ayB0ZXN0czAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowGjEYMBYG
A1UEAwwPRnJvbnRkZXNrIHRlc3RzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
oGnMfuNnPVUhbUfM62VyH1sJAFe433UNWZm3nDe9fLHhx/5IIhxuGxV4W04v0z0n
PIAUC7PzN0qakLMhGWUkgqMTMBEwDwYDVR0RBAgwBocEfwAAATAKBggqhkjOPQQD
AgNJADBGAiEA0LVMHyqGQkm5RrjEVFUmU4mWTTBLgYOYit4Lgwd4VsYCIQCs7P1S
9FoBzzaEwTwbelvhB2bO/OM88Dfs+m3R24pLeA==
-----END CERTIFICATE-----
";

/// It opens nothing but this.
const KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKIy+x5n08Rk7YdjT
b/qmPwgiinlU6+SrSLX2sBvUGiGhRANCAASgacx+42c9VSFtR8zrZXIfWwkAV7jf
dQ1ZmbecN718seHH/kgiHG4bFXhbTi/TPSc8gBQLs/M3SpqQsyEZZSSC
-----END PRIVATE KEY-----
";

/// Takes connections with that certificate.
pub(crate) fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let settings = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(settings))
}

impl TlsFront {
    /// The certificate, for those who are to trust it.
    pub const CERTIFICATE: &str = CERTIFICATE;

    /// Starts it in front of a server.
    pub fn start(server: SocketAddr) -> Self {
        let acceptor = acceptor();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Clients that do not like the certificate are what this is for.
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let Ok(mut server) = TcpStream::connect(server).await else { return };
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { address, runtime: Some(runtime) }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}
