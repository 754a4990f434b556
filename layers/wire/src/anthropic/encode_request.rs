use serde_json::{Value, json};
use tollway_core::Dialect;

use super::{
    body::{Block, Body, ChoiceOut},
    extras::{encode_extra, encode_stop, encode_tier, encode_user, output_config, wanted_thinking},
    format::{self, Format},
    losses::Losses,
    names::Names,
    sampling::{self, encode_sampling},
    thinking::{self, Situation},
    tools::encode_tools,
    turns::encode_messages,
};
use crate::{Encoded, Refusal, Target, chat::Chat, portable};

/// Writes the body of `POST /v1/messages`.
///
/// The module's page lists what is fitted, dropped and refused.
pub fn encode_request(chat: &Chat, target: &Target) -> Result<Encoded, Refusal> {
    let traits = &target.traits;
    let mut losses = Losses::default();
    crate::loss::check_stateless(chat)?;
    crate::loss::check_text_only(chat)?;
    let (chat, lost) = portable::said_in(Dialect::Anthropic, chat);
    let chat = &*chat;
    for path in lost {
        losses.add(path);
    }
    sampling::check(chat)?;
    let names = Names::of(chat)?;
    let mut conversation = encode_messages(chat, traits, &names, &mut losses)?;
    if conversation.is_prefilled && !traits.prefill {
        return Err(Refusal::at(
            format!("messages[{}]", chat.messages.len().saturating_sub(1)),
            format!(
                "the model does not go on with a message of the assistant; end with the user's: {}",
                target.model
            ),
        ));
    }
    let format = format::plan(chat, traits, &mut losses)?;
    let offer = encode_tools(chat, traits, &names, &format, &mut losses)?;
    let situation = Situation {
        is_forced: offer.choice.as_ref().is_some_and(ChoiceOut::is_forced),
        is_prefilled: conversation.is_prefilled,
        lacks_thinking: conversation.lacks_thinking,
    };
    let wanted = wanted_thinking(chat)?;
    let plan = thinking::plan(wanted.as_ref(), chat.max_tokens, target, situation, &mut losses)?;
    let sampling = encode_sampling(&chat.sampling, plan.thinking, traits, &mut losses);

    let mut output_config = output_config(chat);
    if let Some(effort) = plan.effort {
        output_config.insert("effort".to_owned(), Value::from(effort));
    }
    match format {
        Format::Native(schema) => {
            output_config.insert("format".to_owned(), json!({ "type": "json_schema", "schema": schema }));
        }
        Format::Told(instruction) => conversation.system.push(Block::text(instruction).into()),
        Format::Free | Format::Tool { .. } => {}
    }
    if let Some(instruction) = offer.instruction {
        conversation.system.push(Block::text(instruction).into());
    }

    let body = Body {
        model: &target.model,
        max_tokens: plan.max_tokens,
        system: conversation.system,
        messages: conversation.turns,
        tools: offer.tools,
        tool_choice: offer.choice,
        thinking: plan.thinking,
        output_config,
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        stop_sequences: encode_stop(chat, &mut losses),
        metadata: encode_user(chat, &mut losses),
        service_tier: encode_tier(chat, &mut losses),
        stream: chat.stream,
        extra: encode_extra(chat, &mut losses)?,
    };
    let body = serde_json::to_vec(&body)
        .map_err(|error| Refusal::whole(format!("request cannot be written: {error}")))?;
    Ok(Encoded { body, dropped: losses.into_list(), renamed_tools: names.into_renamed() })
}
