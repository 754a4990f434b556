use http::{Extensions, Response, StatusCode};

/// Turns a refusal of a layer into a response.
///
/// A layer answers a refusal itself and leaves its service's error type untouched. The gateway
/// passes an implementation that speaks the client's dialect; [`StatusOnly`] is the default for a
/// layer that stands alone.
pub trait Respond<E, B> {
    /// Builds the response for `error`. `request` are the extensions of the refused request.
    fn respond(&self, request: &Extensions, error: &E) -> Response<B>;
}

/// Answers with the error's status code and an empty body.
#[derive(Clone, Copy, Debug, Default)]
pub struct StatusOnly;

impl<E, B> Respond<E, B> for StatusOnly
where
    for<'a> &'a E: Into<StatusCode>,
    B: Default,
{
    fn respond(&self, _request: &Extensions, error: &E) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = error.into();
        response
    }
}
