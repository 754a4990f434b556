use http::{Extensions, Response};
use tollway_core::{Respond, StatusOnly};

use super::Refused;

/// What a request is given that is sent away: a response ([`AsResponse`]), or an error ([`AsError`]) where the
/// layer stands inside of what makes responses of errors, or of what tries another upstream.
pub trait Refuse<B, E> {
    /// Sends a request away of which these are the extensions.
    fn refuse(&self, request: &Extensions, refused: &Refused) -> Result<Response<B>, E>;
}

/// Answers those who are sent away.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsResponse<R = StatusOnly>(pub R);

impl<R, B, E> Refuse<B, E> for AsResponse<R>
where
    R: Respond<Refused, B>,
{
    fn refuse(&self, request: &Extensions, refused: &Refused) -> Result<Response<B>, E> {
        Ok(self.0.respond(request, refused))
    }
}

/// Fails those who are sent away, by the inner service's type of error.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsError;

impl<B, E> Refuse<B, E> for AsError
where
    E: From<Refused>,
{
    fn refuse(&self, _: &Extensions, refused: &Refused) -> Result<Response<B>, E> {
        Err((*refused).into())
    }
}
