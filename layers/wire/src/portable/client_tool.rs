//! Anthropic's tools that the client runs, whose schemas the model knows without being told.

use serde_json::{Value, json};
use tollway_core::Dialect;

use super::kind_of;
use crate::chat::{Native, Tool, ToolKind};

/// Whether a tool is one of them.
pub(super) fn is_known(tool: &Native) -> bool {
    tool.dialect == Dialect::Anthropic && schema(tool).is_some()
}

/// Makes it a function of the same name, by the schema that Anthropic documents.
pub(super) fn say(tool: &mut Tool) {
    let ToolKind::Server(native) = &tool.kind else { return };
    let Some((description, parameters)) = schema(native) else { return };
    tool.cache_control = native.value.get("cache_control").filter(|mark| !mark.is_null()).cloned();
    tool.description = Some(description);
    tool.kind = ToolKind::Function { parameters: Some(parameters) };
}

fn schema(tool: &Native) -> Option<(String, Value)> {
    let kind = kind_of(&tool.value);
    let number = |name: &str| tool.value.get(name).and_then(Value::as_u64);
    let is = |family: &str| kind.strip_prefix(family).is_some_and(|date| date.starts_with('_'));
    if is("bash") {
        let description = "Runs a command in a bash session that lives on between calls.";
        return Some((
            description.to_owned(),
            object(
                &json!({
                    "command": { "type": "string", "description": "The command; required unless restart is true." },
                    "restart": { "type": "boolean", "description": "Starts the session anew." },
                }),
                &[],
            ),
        ));
    }
    if is("text_editor") {
        let description = "Views, makes and changes text files.";
        let parameters = object(&files(&["view", "create", "str_replace", "insert"]), &["command", "path"]);
        return Some((description.to_owned(), parameters));
    }
    if is("memory") {
        let mut fields = files(&["view", "create", "str_replace", "insert", "delete", "rename"]);
        fields["old_path"] = json!({ "type": "string", "description": "For rename: the path there is." });
        fields["new_path"] = json!({ "type": "string", "description": "For rename: the path to be." });
        let description = "Keeps notes in files below /memories. Look there before you begin, and write down what must not be lost.";
        return Some((description.to_owned(), object(&fields, &["command"])));
    }
    if is("computer") {
        let (width, height) = (number("display_width_px")?, number("display_height_px")?);
        let description = format!(
            "Uses the mouse and keyboard of a computer and takes screenshots. The screen is {width} by {height} pixels."
        );
        return Some((
            description,
            object(
                &json!({
                    "action": { "type": "string", "enum": [
                        "screenshot", "left_click", "right_click", "middle_click", "double_click", "triple_click",
                        "left_click_drag", "left_mouse_down", "left_mouse_up", "mouse_move", "cursor_position",
                        "scroll", "type", "key", "hold_key", "wait", "zoom",
                    ] },
                    "coordinate": pixels("Where, as x and y."),
                    "start_coordinate": pixels("Where a drag begins, as x and y."),
                    "region": pixels("What to zoom into, as x and y of two corners."),
                    "text": { "type": "string", "description": "What to type, or the keys to press." },
                    "scroll_direction": { "type": "string", "enum": ["up", "down", "left", "right"] },
                    "scroll_amount": { "type": "integer" },
                    "duration": { "type": "number", "description": "How long to wait or hold, in seconds." },
                }),
                &["action"],
            ),
        ));
    }
    None
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

fn pixels(description: &str) -> Value {
    json!({ "type": "array", "items": { "type": "integer" }, "description": description })
}

fn files(commands: &[&str]) -> Value {
    json!({
        "command": { "type": "string", "enum": commands },
        "path": { "type": "string", "description": "The file or folder." },
        "view_range": { "type": "array", "items": { "type": "integer" }, "description": "For view: the first and the last line." },
        "file_text": { "type": "string", "description": "For create: the whole text." },
        "old_str": { "type": "string", "description": "For str_replace: the text there is, which must be found once." },
        "new_str": { "type": "string", "description": "For str_replace: the text to be." },
        "insert_line": { "type": "integer", "description": "For insert: the line after which to insert." },
        "insert_text": { "type": "string", "description": "For insert: the text." },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_the_client_runs_are_functions() {
        for (kind, field) in [
            ("bash_20250124", "restart"),
            ("text_editor_20250728", "old_str"),
            ("memory_20250818", "new_path"),
            ("computer_20251124", "coordinate"),
        ] {
            let value = json!({ "type": kind, "name": "it", "display_width_px": 1, "display_height_px": 2 });
            let native = Native { dialect: Dialect::Anthropic, value };
            let kind = ToolKind::Server(native);
            let mut tool =
                Tool { name: "it".to_owned(), description: None, kind, strict: None, cache_control: None };
            say(&mut tool);
            let ToolKind::Function { parameters: Some(parameters) } = &tool.kind else { panic!("{tool:?}") };
            assert!(parameters["properties"][field].is_object());
        }
        for value in [
            json!({"type": "bashful"}),
            json!({"type": "computer_2025"}),
            json!({"type": "code_execution_1"}),
        ] {
            assert!(!is_known(&Native { dialect: Dialect::Anthropic, value }));
        }
    }
}
