//! What two principals may do to a payload before and behind the service: sign it, seal it, verify it.
//!
//! Must never hold: anything the service takes part in.

use adsum::protocol::body::{Document, Note};
use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::signature::UnparsedPublicKey;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::ParsedCertificate;

/// A message signed by OpenSSL: `multipart/signed` around a `message/cpim` from alice to bob.
pub const SIGNED: &[u8] = include_bytes!("../golden/smime/signed.eml");
/// The certificate of its signer, which names `im:alice@d.example`.
const SIGNER: &[u8] = include_bytes!("../golden/smime/signer.pem");

/// Content type and body of [`SIGNED`].
pub fn signed_message() -> (String, Bytes) {
    let text = String::from_utf8_lossy(SIGNED);
    let (head, _) = text.split_once("\n\n").unwrap();
    let line = head.lines().find_map(|line| line.strip_prefix("Content-Type: ")).unwrap();
    (line.to_owned(), Bytes::from_static(&SIGNED[head.len() + 2..]))
}

/// Whether the body of a `multipart/signed` verifies against the certificate of alice. RFC 8551, RFC 5652: the
/// signature, made without signed attributes, is the last thing in the structure.
pub fn smime_verifies(content_type: &str, body: &[u8]) -> bool {
    let Some((_, boundary)) = content_type.split_once("boundary=\"") else { return false };
    let boundary = format!("--{}", boundary.trim_end_matches('"'));
    let places = find_all(body, boundary.as_bytes());
    let [first, second, third, ..] = places[..] else { return false };
    let content = &body[first + boundary.len() + 1..second - 1];
    let signature = String::from_utf8_lossy(&body[second..third]).into_owned();
    let Some((_, signature)) = signature.split_once("\n\n") else { return false };
    let signature: String = signature.split_whitespace().collect();
    let Ok(signed) = BASE64.decode(signature.as_bytes()) else { return false };
    let certificate = CertificateDer::from_pem_slice(SIGNER).unwrap();
    let key = ParsedCertificate::try_from(&certificate).unwrap().subject_public_key_info();
    // Behind the algorithm's name lies the key itself (RFC 3279 §2.3.1); 256 bytes are an RSA signature of 2048 bits.
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key[24..]);
    key.verify(content, &signed[signed.len().saturating_sub(256)..]).is_ok()
}

fn find_all(bytes: &[u8], part: &[u8]) -> Vec<usize> {
    (0..bytes.len()).filter(|place| bytes[*place..].starts_with(part)).collect()
}

/// A key of a principal that others know, such as from its business card.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    pub fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    /// Puts a signature over a document's tuples beside them, in markup that the service does not look into.
    pub fn sign(&self, mut document: Document) -> Document {
        let signature = HEXLOWER.encode(self.0.sign(&said_in(&document)).as_ref());
        let markup =
            format!("<s:signature xmlns:s=\"urn:example:signature\">{signature}</s:signature>");
        document.tuples[0].markup.push(Some(Bytes::from(markup)));
        document
    }

    /// Whether a document bears this principal's signature over what it says.
    pub fn signed(&self, document: &Document) -> bool {
        let mut document = document.clone();
        let Some(tuple) = document.tuples.first_mut() else { return false };
        let Some(Some(markup)) = tuple.markup.pop() else { return false };
        let markup = String::from_utf8_lossy(&markup).into_owned();
        let signature = markup.split_once('>').and_then(|(_, rest)| rest.split_once('<'));
        let Some((signature, _)) = signature else { return false };
        let Ok(signature) = HEXLOWER.decode(signature.as_bytes()) else { return false };
        let key = UnparsedPublicKey::new(&ED25519, self.0.public_key().as_ref());
        key.verify(&said_in(&document), &signature).is_ok()
    }
}

/// What a document says about its tuples, whatever the service calls them: status, contact, notes and markup.
fn said_in(document: &Document) -> Vec<u8> {
    let mut said = Vec::new();
    for tuple in &document.tuples {
        said.push(tuple.basic);
        let contact = tuple.contact.as_ref().and_then(|contact| contact.uri.as_deref());
        said.extend_from_slice(contact.unwrap_or_default());
        for Note { text, .. } in &tuple.notes {
            said.extend_from_slice(text.as_deref().unwrap_or_default());
        }
        for markup in tuple.markup.iter().flatten() {
            said.extend_from_slice(markup);
        }
    }
    said
}

/// Seals text so that only who has the key reads it.
pub fn seal(key: [u8; 32], text: &str) -> Bytes {
    let mut sealed = text.as_bytes().to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).unwrap());
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed).unwrap();
    sealed.into()
}

/// Opens what [`seal`] made; nothing if a bit of it changed.
pub fn unseal(key: [u8; 32], sealed: &[u8]) -> Option<String> {
    let mut sealed = sealed.to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).unwrap());
    let text = key.open_in_place(Nonce::assume_unique_for_key([0; 12]), Aad::empty(), &mut sealed);
    text.ok().map(|text| String::from_utf8(text.to_vec()).unwrap())
}
