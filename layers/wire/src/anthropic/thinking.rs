use super::{body::ThinkingOut, losses::Losses};
use crate::{Effort, ReasoningStyle, Refusal, Target, Traits, chat::ReasoningRequest};

/// The limit sent when neither the client nor the model's entry names one.
const DEFAULT_MAX_TOKENS: u64 = 4096;

/// The least budget Anthropic takes.
const MIN_BUDGET: u64 = 1024;

/// What decides whether a model may think by a budget.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Situation {
    /// Whether the model must call a tool.
    pub(super) is_forced: bool,
    /// Whether it goes on with a message of the assistant.
    pub(super) is_prefilled: bool,
    /// Whether it is in a tool loop whose thinking is lost.
    pub(super) lacks_thinking: bool,
}

/// How the model thinks, and how much it may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) thinking: Option<ThinkingOut>,
    pub(super) effort: Option<&'static str>,
    pub(super) max_tokens: u64,
}

/// Decides on `thinking`, `output_config.effort` and `max_tokens`, which depend on one another.
///
/// `max_tokens` is mandatory. The client's limit is never raised; it is lowered to the model's own,
/// beyond which Anthropic refuses it. Without one the model's limit is sent, so that answers are cut
/// no earlier than at OpenAI, and 4,096, which every Claude takes, for a model that is not known.
///
/// A budget is at least 1,024 and below `max_tokens`: one that is too large is lowered to half of
/// the limit, and a limit too small for any budget means that the model does not think. Thinking by
/// budget is left out where Anthropic refuses it: with a forced tool, with a prefilled answer, and in
/// the middle of a tool loop whose earlier thinking the client did not keep. Adaptive thinking has
/// only the second of these limits.
pub(super) fn plan(
    wanted: Option<&ReasoningRequest>,
    max_tokens: Option<u64>,
    target: &Target,
    situation: Situation,
    losses: &mut Losses,
) -> Result<Plan, Refusal> {
    let traits = &target.traits;
    let limit = max_tokens_of(max_tokens, traits, losses)?;
    let mut plan = Plan { thinking: None, effort: None, max_tokens: limit };
    let Some(wanted) = wanted else { return Ok(plan) };
    let is_off = wanted.effort == Some(Effort::None) || wanted.budget_tokens == Some(0);
    let display = wanted.include_thoughts.map(|shown| if shown { "summarized" } else { "omitted" });
    match traits.reasoning {
        ReasoningStyle::None => losses.add_if(!is_off, LOST),
        ReasoningStyle::Effort | ReasoningStyle::Budget if is_off => {
            plan.thinking = Some(ThinkingOut { kind: "disabled", budget_tokens: None, display: None });
        }
        ReasoningStyle::Effort | ReasoningStyle::Always => {
            if situation.is_prefilled {
                losses.add(LOST);
                return Ok(plan);
            }
            // A model that always thinks does so as little as it can.
            losses.add_if(is_off, LOST);
            plan.thinking = Some(ThinkingOut { kind: "adaptive", budget_tokens: None, display });
            plan.effort = if is_off {
                Some(effort_word(Effort::Low, traits))
            } else {
                wanted
                    .effort
                    .or_else(|| wanted.budget_tokens.map(Effort::from_budget))
                    .map(|effort| effort_word(effort, traits))
            };
        }
        ReasoningStyle::Budget => {
            let budget = wanted
                .budget_tokens
                .unwrap_or_else(|| wanted.effort.unwrap_or(Effort::Medium).budget_tokens())
                .max(MIN_BUDGET);
            if max_tokens.is_none() && traits.max_output_tokens.is_none() {
                plan.max_tokens = limit.saturating_add(budget);
            }
            let budget = if budget < plan.max_tokens { budget } else { plan.max_tokens / 2 };
            if budget < MIN_BUDGET
                || situation.is_forced
                || situation.is_prefilled
                || situation.lacks_thinking
            {
                losses.add(LOST);
                plan.max_tokens = limit;
            } else {
                plan.thinking = Some(ThinkingOut { kind: "enabled", budget_tokens: Some(budget), display });
            }
        }
    }
    Ok(plan)
}

/// The path under which lost thinking is listed.
const LOST: &str = "reasoning_effort";

fn max_tokens_of(wanted: Option<u64>, traits: &Traits, losses: &mut Losses) -> Result<u64, Refusal> {
    match (wanted, traits.max_output_tokens) {
        (Some(0), _) => Err(Refusal::at("max_tokens", "limit must be at least 1, not 0")),
        (Some(wanted), Some(most)) if wanted > most => {
            losses.add("max_tokens");
            Ok(most)
        }
        (Some(wanted), _) => Ok(wanted),
        (None, most) => Ok(most.unwrap_or(DEFAULT_MAX_TOKENS)),
    }
}

/// The nearest level that both the model and Anthropic know; Anthropic's least is `low`.
fn effort_word(wanted: Effort, traits: &Traits) -> &'static str {
    traits.nearest_effort(wanted).max(Effort::Low).as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(reasoning: ReasoningStyle) -> Target {
        Target {
            model: "claude".to_owned(),
            traits: Traits { reasoning, max_output_tokens: Some(64_000), ..Traits::default() },
        }
    }

    fn effort(effort: Effort) -> ReasoningRequest {
        ReasoningRequest { effort: Some(effort), ..ReasoningRequest::default() }
    }

    /// Kind and budget of thinking, effort, limit, and what is listed.
    type Planned = (Option<(&'static str, Option<u64>)>, Option<&'static str>, u64, Vec<String>);

    fn planned(
        wanted: &ReasoningRequest,
        max_tokens: Option<u64>,
        target: &Target,
        situation: Situation,
    ) -> Planned {
        let mut losses = Losses::default();
        let plan = plan(Some(wanted), max_tokens, target, situation, &mut losses).expect("planned");
        let thinking = plan.thinking.map(|thinking| (thinking.kind, thinking.budget_tokens));
        (thinking, plan.effort, plan.max_tokens, losses.into_list())
    }

    #[test]
    fn levels_go_to_effort_where_the_model_takes_them() {
        let mut opus = target(ReasoningStyle::Effort);
        let none = Situation::default();
        let got = planned(&effort(Effort::Minimal), None, &opus, none);
        assert_eq!(got, (Some(("adaptive", None)), Some("low"), 64_000, vec![]));
        // Recorded: this model "does not support effort level 'xhigh'".
        opus.traits.efforts = vec![Effort::Low, Effort::Medium, Effort::High, Effort::Max];
        assert_eq!(planned(&effort(Effort::Xhigh), None, &opus, none).1, Some("high"));
        let off = planned(&effort(Effort::None), None, &opus, none);
        assert_eq!((off.0, off.1), (Some(("disabled", None)), None));
    }

    #[test]
    fn a_model_that_always_thinks_is_asked_to_think_little() {
        let got = planned(&effort(Effort::None), None, &target(ReasoningStyle::Always), Situation::default());
        assert_eq!((got.0, got.1), (Some(("adaptive", None)), Some("low")));
        assert_eq!(got.3, ["reasoning_effort"]);
    }

    #[test]
    fn a_budget_stays_between_its_limits() {
        let budget = target(ReasoningStyle::Budget);
        let none = Situation::default();
        let high = effort(Effort::High);
        assert_eq!(planned(&high, None, &budget, none).0, Some(("enabled", Some(8192))));
        // The limit is the client's: the budget gives way.
        let tight = planned(&high, Some(4000), &budget, none);
        assert_eq!((tight.0, tight.2), (Some(("enabled", Some(2000))), 4000));
        let tiny = planned(&high, Some(1500), &budget, none);
        assert_eq!((tiny.0, tiny.3), (None, vec!["reasoning_effort".to_owned()]));
        let small = ReasoningRequest { budget_tokens: Some(10), ..ReasoningRequest::default() };
        assert_eq!(planned(&small, None, &budget, none).0, Some(("enabled", Some(1024))));
        let unknown = Target { traits: Traits { max_output_tokens: None, ..budget.traits }, ..budget };
        let room = planned(&high, None, &unknown, none);
        assert_eq!((room.0, room.2), (Some(("enabled", Some(8192))), 12_288));
    }

    #[test]
    fn a_budget_is_left_out_where_anthropic_refuses_it() {
        let budget = target(ReasoningStyle::Budget);
        for situation in [
            Situation { is_forced: true, ..Situation::default() },
            Situation { is_prefilled: true, ..Situation::default() },
            Situation { lacks_thinking: true, ..Situation::default() },
        ] {
            let got = planned(&effort(Effort::Low), None, &budget, situation);
            assert_eq!((got.0, got.3), (None, vec!["reasoning_effort".to_owned()]), "{situation:?}");
        }
        // Recorded: adaptive thinking and a forced tool go together.
        let forced = Situation { is_forced: true, ..Situation::default() };
        let adaptive = planned(&effort(Effort::Low), None, &target(ReasoningStyle::Effort), forced);
        assert_eq!(adaptive.0, Some(("adaptive", None)));
    }

    #[test]
    fn the_limit_is_the_models_at_most() {
        let plain = target(ReasoningStyle::None);
        let none = Situation::default();
        let wanted = effort(Effort::None);
        assert_eq!(planned(&wanted, Some(100_000), &plain, none).2, 64_000);
        assert_eq!(planned(&wanted, Some(5), &plain, none).2, 5);
        let unknown = Target::default();
        assert_eq!(planned(&wanted, None, &unknown, none).2, 4096);
        assert!(super::plan(None, Some(0), &unknown, none, &mut Losses::default()).is_err());
    }
}
