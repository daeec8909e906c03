//! The console: three files of which a browser makes a client, as `clients/console/` builds them.
//!
//! They are the same for everybody: what a page shows it asks for as every client does, with a device key of its own.
//! Must never hold: anything of a server or of a person.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;

/// What a browser may load for the pages, and from where: nothing but these files, and connections to servers.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self' https: wss: ws:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Where each lies, its type and its bytes.
const FILES: [(&str, &str, &[u8]); 3] = [
    ("/", "text/html; charset=utf-8", include_bytes!("../../../clients/console/dist/index.html")),
    (
        "/app.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../../clients/console/dist/app.js"),
    ),
    (
        "/app.css",
        "text/css; charset=utf-8",
        include_bytes!("../../../clients/console/dist/app.css"),
    ),
];

/// Answers with the files.
pub(in crate::server) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, bytes)| {
        router.route(path, get(move || core::future::ready(file(kind, bytes))))
    })
}

fn file(kind: &'static str, bytes: &'static [u8]) -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // Another adsum may answer the next time.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, bytes)
}
