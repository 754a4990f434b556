use std::fmt::Debug;
use std::pin::Pin;

use bytes::Bytes;
use http::Uri;

/// Gets what issuers publish: the crate has no client of its own.
pub trait Fetch: Debug + Send + Sync + 'static {
    /// Gets what stands at `url` with status 200, of at most `limit` bytes.
    ///
    /// Whatever is not 200, or longer, is an error. Redirections are not followed. The time that it may
    /// take is the caller's concern, who drops the future.
    fn get(&self, url: &Uri, limit: usize) -> Fetched;
}

/// What was got, later.
pub type Fetched = Pin<Box<dyn Future<Output = Result<Bytes, FetchError>> + Send>>;

/// Why nothing was got.
pub type FetchError = Box<dyn std::error::Error + Send + Sync>;
