use super::{body::ThinkingOut, losses::Losses};
use crate::{
    Refusal, Traits,
    chat::{Chat, Sampling},
};

/// The sampling parameters as Anthropic takes them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct SamplingOut {
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) top_k: Option<u64>,
}

/// Fits the sampling parameters to the model.
///
/// OpenAI's temperature goes to 2, Anthropic's to 1. What both can say stays the same number, since
/// most clients use 0 to 1; above, 1 is sent and `temperature` listed. Scaling would change every
/// request to spare the few.
///
/// A thinking model takes only its defaults and `top_p` from 0.95, and current models do not take
/// both `temperature` and `top_p`: the temperature stays. Defaults are left out without being listed.
pub(super) fn encode_sampling(
    sampling: &Sampling,
    thinking: Option<ThinkingOut>,
    traits: &Traits,
    losses: &mut Losses,
) -> SamplingOut {
    losses.add_if(is_set(sampling.frequency_penalty, 0.0), "frequency_penalty");
    losses.add_if(is_set(sampling.presence_penalty, 0.0), "presence_penalty");
    losses.add_if(sampling.seed.is_some(), "seed");
    losses.add_if(sampling.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty()), "logit_bias");
    if !traits.sampling {
        losses.add_if(is_set(sampling.temperature, 1.0), "temperature");
        losses.add_if(is_set(sampling.top_p, 1.0), "top_p");
        losses.add_if(sampling.top_k.is_some(), "top_k");
        return SamplingOut::default();
    }
    if thinking.is_some_and(|thinking| thinking.kind != "disabled") {
        let top_p = sampling.top_p.filter(|top_p| (0.95..=1.0).contains(top_p));
        losses.add_if(is_set(sampling.temperature, 1.0), "temperature");
        losses.add_if(top_p.is_none() && sampling.top_p.is_some(), "top_p");
        losses.add_if(sampling.top_k.is_some(), "top_k");
        return SamplingOut { top_p, ..SamplingOut::default() };
    }
    let temperature = sampling.temperature.map(|temperature| {
        let fitted = temperature.clamp(0.0, 1.0);
        losses.add_if(is_set(Some(temperature), fitted), "temperature");
        fitted
    });
    let is_hot = is_set(temperature, 1.0);
    losses.add_if(is_hot && is_set(sampling.top_p, 1.0), "top_p");
    SamplingOut {
        temperature: temperature.filter(|_| is_hot || sampling.top_p.is_none()),
        top_p: sampling.top_p.filter(|_| !is_hot),
        top_k: sampling.top_k,
    }
}

/// Refuses what a client cannot do without and Anthropic cannot give: several answers, and log
/// probabilities, which a client reads from every answer it gets.
pub(super) fn check(chat: &Chat) -> Result<(), Refusal> {
    if let Some(n) = chat.n.filter(|n| *n != 1) {
        return Err(Refusal::at("n", format!("Anthropic gives one answer a request; send n = 1, not {n}")));
    }
    if chat.logprobs == Some(true) {
        return Err(Refusal::at("logprobs", "Anthropic gives no log probabilities; leave out logprobs"));
    }
    if chat.top_logprobs.is_some_and(|count| count > 0) {
        return Err(Refusal::at(
            "top_logprobs",
            "Anthropic gives no log probabilities; leave out top_logprobs",
        ));
    }
    Ok(())
}

/// Whether a parameter says something other than its default.
fn is_set(value: Option<f64>, default: f64) -> bool {
    value.is_some_and(|value| (value - default).abs() > f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(temperature: Option<f64>, top_p: Option<f64>, thinks: bool) -> (SamplingOut, Vec<String>) {
        let mut losses = Losses::default();
        let sampling = Sampling { temperature, top_p, ..Sampling::default() };
        let thinking = thinks.then_some(ThinkingOut { kind: "adaptive", budget_tokens: None, display: None });
        let out = encode_sampling(&sampling, thinking, &Traits::default(), &mut losses);
        (out, losses.into_list())
    }

    #[test]
    fn temperatures_above_one_are_clamped_and_listed() {
        assert_eq!(fitted(Some(0.7), None, false).0.temperature, Some(0.7));
        let (out, lost) = fitted(Some(1.6), None, false);
        assert_eq!((out.temperature, lost), (Some(1.0), vec!["temperature".to_owned()]));
    }

    #[test]
    fn temperature_and_top_p_do_not_go_together() {
        let (out, lost) = fitted(Some(0.5), Some(0.9), false);
        assert_eq!((out.temperature, out.top_p, lost), (Some(0.5), None, vec!["top_p".to_owned()]));
        let (out, lost) = fitted(Some(1.0), Some(0.9), false);
        assert_eq!((out.temperature, out.top_p, lost), (None, Some(0.9), vec![]));
    }

    #[test]
    fn a_thinking_model_takes_defaults_only() {
        let (out, lost) = fitted(Some(0.5), Some(0.9), true);
        assert_eq!((out, lost), (SamplingOut::default(), vec!["temperature".to_owned(), "top_p".to_owned()]));
        assert_eq!(fitted(Some(1.0), Some(0.95), true).0.top_p, Some(0.95));
    }

    #[test]
    fn several_answers_and_log_probabilities_are_refused_by_name() {
        let refused = |chat: Chat| check(&chat).expect_err("refused").param;
        assert_eq!(refused(Chat { n: Some(2), ..Chat::default() }).as_deref(), Some("n"));
        assert_eq!(refused(Chat { logprobs: Some(true), ..Chat::default() }).as_deref(), Some("logprobs"));
        assert_eq!(check(&Chat { n: Some(1), logprobs: Some(false), ..Chat::default() }), Ok(()));
    }
}
