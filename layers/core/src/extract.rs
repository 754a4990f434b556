use std::marker::PhantomData;

/// Takes the value a layer needs out of a request.
///
/// A layer is generic over this trait instead of reading a shared state bag, so that it can be used
/// and tested alone. What it does when the value is missing is a documented policy of the layer.
///
/// Closures implement it:
///
/// ```
/// use tollway_core::Extract;
///
/// let key = |req: &http::Request<()>| req.headers().get("x-team").cloned();
/// let req = http::Request::builder().header("x-team", "blue").body(()).unwrap();
/// assert_eq!(key.extract(&req).unwrap(), "blue");
/// ```
pub trait Extract<T, Req> {
    /// The value, or `None` when the request does not carry it.
    fn extract(&self, req: &Req) -> Option<T>;
}

impl<F, T, Req> Extract<T, Req> for F
where
    F: Fn(&Req) -> Option<T>,
{
    fn extract(&self, req: &Req) -> Option<T> {
        self(req)
    }
}

/// An [`Extract`] that clones the value of type `T` from the request's extensions.
pub struct FromExtensions<T>(PhantomData<fn() -> T>);

impl<T> FromExtensions<T> {
    /// Makes the extractor; it holds no state.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T, B> Extract<T, http::Request<B>> for FromExtensions<T>
where
    T: Clone + Send + Sync + 'static,
{
    fn extract(&self, req: &http::Request<B>) -> Option<T> {
        req.extensions().get().cloned()
    }
}

impl<T> Clone for FromExtensions<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for FromExtensions<T> {}

impl<T> Default for FromExtensions<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> std::fmt::Debug for FromExtensions<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FromExtensions<{}>", std::any::type_name::<T>())
    }
}
