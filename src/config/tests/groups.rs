use super::{super::Group, load};

/// The provider that serves a group, or why it is nobody.
fn serves(yaml: &str, group: Group) -> Result<String, String> {
    let settings = load(yaml, &[]).unwrap();
    settings.serves_group(group).map(|provider| provider.name.to_string())
}

#[test]
fn a_group_goes_to_who_is_named_else_to_openai_else_to_the_only_one() {
    let two = "providers: {openai: {api_key: k}, local: {kind: openai-compatible, base_url: 'http://x'}, gemini: {api_key: k}}\n";
    assert_eq!(serves(two, Group::Files).unwrap(), "openai");
    assert_eq!(serves(&format!("{two}endpoints: {{files: local}}"), Group::Files).unwrap(), "local");
    assert_eq!(serves(&format!("{two}endpoints: {{default: local}}"), Group::Images).unwrap(), "local");
    let named = format!("{two}endpoints: {{default: local, images: openai}}");
    assert_eq!(serves(&named, Group::Images).unwrap(), "openai");
    let one = "providers: {mine: {kind: vllm}, anthropic: {api_key: k}}";
    assert_eq!(serves(one, Group::Audio).unwrap(), "mine");
    let several = "providers: {mine: {kind: vllm}, other: {kind: ollama}}";
    let error = serves(several, Group::FineTuning).unwrap_err();
    assert!(error.contains("`endpoints.fine_tuning`") && error.contains("`mine` or `other`"), "{error}");
    assert!(serves("providers: {anthropic: {api_key: k}}", Group::Audio).is_err());
}

#[test]
fn stored_responses_are_asked_of_the_only_provider_that_keeps_them() {
    let openai = "openai: {api_key: k}, local: {kind: openai-compatible, base_url: 'http://x'}";
    assert_eq!(serves(&format!("providers: {{{openai}}}"), Group::Responses).unwrap(), "openai");
    let azure = "azure: {kind: azure-openai, base_url: 'http://x/openai/v1', api_key: k}";
    let error = serves(&format!("providers: {{{openai}, {azure}}}"), Group::Responses).unwrap_err();
    assert!(error.contains("`azure` or `openai`") && error.contains("x-tollway-provider"), "{error}");
}

#[test]
fn a_provider_without_a_key_is_warned_of_and_refused() {
    let settings =
        load("providers: {openai: {}, mistral: {api_key: k}}\nendpoints: {files: openai}", &[]).unwrap();
    let warnings = settings.warnings("2026-11-23".parse().unwrap());
    assert!(warnings.contains(&"endpoints.files: not enabled: openai".to_owned()), "{warnings:?}");
    assert_eq!(
        settings.serves_group(Group::Files).unwrap_err(),
        "the provider for files is not enabled: openai"
    );
}
