//! The canonical conversation: a request, a whole answer, and an answer's events, in no provider's
//! dialect.

mod collect;
mod event;
mod message;
mod origin;
mod own_path;
mod reply;
mod request;
mod told;
mod tool;
mod unfold;

pub(crate) use self::origin::Mark;
pub use self::{
    collect::Collect,
    event::{Delta, Event, Start},
    message::{
        Audio, Content, Document, Image, Message, Native, Part, Reasoning, Role, Signature, Source, Text,
    },
    origin::Origins,
    reply::{Choice, Finish, FinishReason, Reply},
    request::{Chat, ReasoningRequest, ResponseFormat, Sampling},
    tool::{Tool, ToolCall, ToolChoice, ToolKind, ToolResult},
};
