use std::convert::Infallible;

use super::{Auth, LOOK_EVERY};

/// Says when a key is asked for that was not before, or no more, as long as the gateway runs: a key was
/// made, or the last one was taken out of the configuration.
pub(crate) async fn notice(in_force: impl Fn() -> Auth) -> Infallible {
    let mut before = in_force().is_required();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let auth = in_force();
        let is_required = auth.is_required();
        match (before, is_required) {
            (false, true) => tracing::info!("a key is asked for from now on"),
            (true, false) => tracing::warn!(
                "no key is asked for any more: whoever reaches the gateway uses your providers' keys; say \
                 `auth.mode: required` to let only those pass who have one"
            ),
            _ => {}
        }
        before = is_required;
    }
}
