use super::load;

/// Each text with the error it must give, word for word.
const ERRORS: &[(&str, &str)] = &[
    (
        "server:\n  lissten: 1.2.3.4:5",
        "tollway.yaml: server.lissten: unknown field\n  hint: did you mean `listen`?",
    ),
    (
        "limits: {a: {}}",
        "tollway.yaml: limits.a: no amount\n  hint: give `requests`, `tokens`, `input_tokens`, `output_tokens`, `concurrent_requests` or `concurrent_streams`",
    ),
    (
        "limits: {a: {requests: 1, tokens: 2}}",
        "tollway.yaml: limits.a.tokens: a second amount in one limit\n  hint: a refusal names its limit: write one for each amount",
    ),
    (
        "limits: {a: {requests: 0}}",
        "tollway.yaml: limits.a.requests: nothing could pass: 0\n  hint: to keep somebody out, revoke the key or leave the model out of what it allows",
    ),
    (
        "limits: {a: {requests: 1, per: [kee]}}",
        "tollway.yaml: limits.a.per: nothing that requests can be told apart by: kee\n  hint: did you mean `key`?",
    ),
    ("limits: {a: {requests: 1, window: 0s}}", "tollway.yaml: limits.a.window: must be at least 1 ms"),
    (
        "limits: {a: {concurrent_requests: 1, window: 1m}}",
        "tollway.yaml: limits.a.window: what goes on at the same time has no window\n  hint: leave it out",
    ),
    ("limits: {a: {requests: 1, burst: 0}}", "tollway.yaml: limits.a.burst: must be at least 1"),
    (
        "limits: {a: {requests: 1, shared: true}}",
        "tollway.yaml: limits.a.shared: nothing to share it by\n  hint: give `state.redis`, or leave it out",
    ),
    (
        "{state: {redis: 'redis://h'}, limits: {a: {requests: 1, shared: {on_failure: opn}}}}",
        "tollway.yaml: limits.a.shared.on_failure: not one of the words known here: opn\n  hint: did you mean `open`?",
    ),
    (
        "{state: {redis: 'redis://h'}, limits: {a: {requests: 1, shared: {lease: 2}}}}",
        "tollway.yaml: limits.a.shared.lease: must not be larger than what can pass at once",
    ),
    (
        "limits: {a: {request: 1}}",
        "tollway.yaml: limits.a.request: unknown field\n  hint: did you mean `requests`?",
    ),
    (
        "state: {redis: 'http://u:p@h'}",
        "tollway.yaml: state.redis: not the URL of a Redis server\n  hint: as in redis://host:6379/0, or rediss:// with TLS",
    ),
    (
        "state: {redis: 'redis://h', redis_timeout: 10s}",
        "tollway.yaml: state.redis_timeout: not between 1ms and 5s: 10s\n  hint: requests wait for it; as in 50ms",
    ),
    (
        "state: {database: 'mysql://u:p@h/d'}",
        "tollway.yaml: state.database: neither a file nor a PostgreSQL server\n  hint: as in tollway.db, or postgres://user@host/tollway",
    ),
    ("sever: {}", "tollway.yaml: sever: unknown field\n  hint: did you mean `server`?"),
    (
        "server:\n  listen: localhost",
        "tollway.yaml: server.listen: not an address and port: localhost\n  hint: write 127.0.0.1:8080 for this machine only, 0.0.0.0:8080 for everybody",
    ),
    (
        "server: {listen: 10.0.0.1}",
        "tollway.yaml: server.listen: not an address and port: 10.0.0.1\n  hint: add a port: 10.0.0.1:8080",
    ),
    ("server: {listen: [1]}", "tollway.yaml: server.listen: expected a string"),
    (
        "server: {workers: percore}",
        "tollway.yaml: server.workers: not a layout of workers: percore\n  hint: did you mean `per_core`?",
    ),
    (
        "server: {workers: {mode: per_core, threads: many}}",
        "tollway.yaml: server.workers.threads: expected a whole number in range: many",
    ),
    (
        "server: {workers: {moode: per_core}}",
        "tollway.yaml: server.workers.moode: unknown field\n  hint: did you mean `mode`?",
    ),
    (
        "server: {grace: soon}",
        "tollway.yaml: server.grace: not a length of time such as `500ms`, `30s` or `2m`: soon",
    ),
    (
        "server: {max_body_bytes: 1x}",
        "tollway.yaml: server.max_body_bytes: not a number of bytes such as `65536`, `64KiB` or `32MiB`: 1x",
    ),
    ("server: {max_body_bytes: 1}", "tollway.yaml: server.max_body_bytes: less than 1024 bytes: 1"),
    ("server: {max_upload_bytes: 1}", "tollway.yaml: server.max_upload_bytes: less than 1024 bytes: 1"),
    (
        "endpoints: {imges: openai}",
        "tollway.yaml: endpoints.imges: unknown field\n  hint: did you mean `images`?",
    ),
    (
        "endpoints: {files: opnai}",
        "tollway.yaml: endpoints.files: no such provider: opnai\n  hint: did you mean `openai`?",
    ),
    (
        "endpoints: {default: gemini}",
        "tollway.yaml: endpoints.default: not a provider of OpenAI's format: gemini\n  hint: its own endpoints are under /passthrough",
    ),
    (
        "server: {max_concurrent_streams: 0}",
        "tollway.yaml: server.max_concurrent_streams: no stream could be opened: 0",
    ),
    (
        "server: {max_concurrent_streams: -4}",
        "tollway.yaml: server.max_concurrent_streams: expected a whole number in range: -4",
    ),
    ("server: {tls: {cert: a.pem}}", "tollway.yaml: server.tls.key: missing\n  hint: it has no default"),
    (
        "server: {tls: {cert: no.pem, key: no.key}}",
        "tollway.yaml: server.tls.cert: no such file: no.pem\n  hint: relative paths begin at the configuration file's folder",
    ),
    (
        "log: {access: stdot}",
        "tollway.yaml: log.access: not one of the words known here: stdot\n  hint: did you mean `stdout`?",
    ),
    ("log: {access: [a]}", "tollway.yaml: log.access: expected a word"),
    (
        "log: {level: 'a=b=c'}",
        "tollway.yaml: log.level: not a log filter: a=b=c\n  hint: write a level, as in `info`, or `info,tollway=debug`",
    ),
    (
        "simulator: sometimes",
        "tollway.yaml: simulator: not one of the words known here: sometimes\n  hint: say `auto`, `on` or `off`",
    ),
    (
        "providers: {openai: {base_url: '${NONE}'}}",
        "tollway.yaml: providers.openai.base_url: environment variable NONE is not set\n  hint: set it, or give a default: `${NONE:-…}`",
    ),
    (
        "providers: {openai: {base_url: '${HOM}'}}",
        "tollway.yaml: providers.openai.base_url: environment variable HOM is not set\n  hint: did you mean `HOME`?",
    ),
    (
        "providers: {openai: {base_url: '${HOME'}}",
        "tollway.yaml: providers.openai.base_url: `${` is not closed: ${HOME\n  hint: close it with `}`, or write `$${` for a literal `${`",
    ),
    (
        "providers: {opnai: {}}",
        "tollway.yaml: providers.opnai.kind: missing, and the provider's name is no kind\n  hint: did you mean `openai`?",
    ),
    (
        "providers: {mine: {kind: openapi}}",
        "tollway.yaml: providers.mine.kind: not one of the words known here: openapi\n  hint: did you mean `openai`?",
    ),
    (
        "providers: {openai-compatible: {}}",
        "tollway.yaml: providers.openai-compatible.base_url: missing, as it differs from customer to customer\n  hint: give the URL that `/chat/completions` is appended to, as in https://host/v1",
    ),
    (
        "providers: {openai: {base_url: api.openai.com}}",
        "tollway.yaml: providers.openai.base_url: not a URL with http:// or https://: api.openai.com\n  hint: write it as SDKs do, as in https://api.openai.com/v1",
    ),
    (
        "providers: {openai: {base_url: 'https://me:pw@host/v1'}}",
        "tollway.yaml: providers.openai.base_url: a user or password in a URL; use `api_key`\n  hint: write it as SDKs do, as in https://api.openai.com/v1",
    ),
    (
        "providers: {openai: {enabled: true}}",
        "tollway.yaml: providers.openai.api_key: no key, and the provider must be enabled\n  hint: set OPENAI_API_KEY",
    ),
    (
        "providers: {openai: {enabled: perhaps}}",
        "tollway.yaml: providers.openai.enabled: expected true or false: perhaps",
    ),
    (
        "providers: {openai: {api_key: ''}}",
        "tollway.yaml: providers.openai.api_key: the key is empty\n  hint: to go without one, leave `api_key` out and set `auth: none`",
    ),
    (
        "providers: {openai: {api_key: {}}}",
        "tollway.yaml: providers.openai.api_key: neither or both of `file` and `env` given\n  hint: write the key as `${NAME}`, `{env: NAME}` or `{file: PATH}`",
    ),
    (
        "providers: {openai: {api_key: {fil: x}}}",
        "tollway.yaml: providers.openai.api_key.fil: unknown field\n  hint: did you mean `file`?",
    ),
    (
        "providers: {openai: {api_key: {file: none.txt}}}",
        "tollway.yaml: providers.openai.api_key.file: cannot be read: no such file: none.txt\n  hint: relative paths begin at the configuration file's folder",
    ),
    (
        "providers: {openai: {api_key: x, auth: none}}",
        "tollway.yaml: providers.openai.auth: a key is given, and `auth: none` never sends it\n  hint: leave one of the two out",
    ),
    (
        "providers: {openai: {api_key: x, auth: 'a b'}}",
        "tollway.yaml: providers.openai.auth: not a header's name: a b\n  hint: write `bearer`, `none`, or a header such as `api-key`",
    ),
    (
        "providers: {openai: {api_key: x, headers: {host: a}}}",
        "tollway.yaml: providers.openai.headers.host: a header the gateway sets itself\n  hint: leave it out",
    ),
    (
        "providers: {openai: {api_key: x, paths: {chat: chat}}}",
        "tollway.yaml: providers.openai.paths.chat: not a path: chat\n  hint: begin it with one slash, as in /chat/completions",
    ),
    (
        "providers: {openai: {api_key: x, models: []}}",
        "tollway.yaml: providers.openai.models: no model at all\n  hint: leave it out to serve any",
    ),
    (
        "providers: {openai: {api_key: x, models: [a, 1]}}",
        "tollway.yaml: providers.openai.models[1]: expected a string: 1",
    ),
    (
        "providers: {openai: {api_key: x, timeouts: {connect: 0s}}}",
        "tollway.yaml: providers.openai.timeouts.connect: no time at all: 0s",
    ),
    (
        "providers: {openai: {api_key: x, http2: maybe}}",
        "tollway.yaml: providers.openai.http2: not one of the words known here: maybe\n  hint: say `auto`, `never` or `prior-knowledge`",
    ),
    (
        "providers: {'a/b': {kind: openai}}",
        "tollway.yaml: providers.a/b: not a name for a provider\n  hint: it stands before a slash in model names: use letters, digits, `-`, `_` and `.`",
    ),
    ("providers: [openai]", "tollway.yaml: providers: expected a section of fields"),
    (
        "providers: {a: {kind: ollama, models: [x]}, b: {kind: vllm, models: [x]}}",
        "tollway.yaml: providers.b.models: `a` lists the same model: x\n  hint: say who gets the bare name, as in `aliases: {x: a/x}`",
    ),
    (
        "default_provider: opnai",
        "tollway.yaml: default_provider: no such provider: opnai\n  hint: did you mean `openai`?",
    ),
    (
        "aliases: {a: b, b: openai/gpt-4o}",
        "tollway.yaml: aliases.a: an alias of an alias: b\n  hint: name the model itself",
    ),
    (
        "aliases: {a: nonsense}",
        "tollway.yaml: aliases.a: no known model: nonsense\n  hint: an alias leads to `provider/model` or a known model",
    ),
    (
        "aliases: {a: 'opnai/gpt-4o'}",
        "tollway.yaml: aliases.a: no known model: opnai/gpt-4o\n  hint: did you mean `openai/gpt-4o`?",
    ),
    (
        "models_file: none.yaml",
        "tollway.yaml: models_file: cannot be read: no such file: none.yaml\n  hint: relative paths begin at the configuration file's folder",
    ),
    ("server:\n  listen: [1", "tollway.yaml:2:11: unclosed bracket '['"),
    ("server:\n listen: a\n  b: c", "tollway.yaml:3:4: mapping values are not allowed in this context"),
    ("a: 1\na: 2", "tollway.yaml:2:1: duplicate mapping key: a"),
    (
        "- a",
        "tollway.yaml:1:1: the top of the file is not a mapping\n  hint: begin with a section, such as `server:`",
    ),
    ("a: *b", "tollway.yaml:1:4: alias references unknown anchor"),
    ("server: {listen: '\u{1}'}", "tollway.yaml:1:19: unexpected character: `\\u{1}'"),
];

#[test]
fn every_error_says_where_what_and_how() {
    for (text, expected) in ERRORS {
        let error = load(text, &[("HOME", "/root")]).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), *expected, "{text}");
    }
}
