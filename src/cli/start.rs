//! What `tollway serve` says as it starts: which configuration counts, and who will answer.

use tollway_auth::Mode;
use tracing::Level;

use crate::config::{Date, Settings, SimulatorMode, Why};

/// The lines of a start, with the level of each. `running` is what the `settings` have become: they
/// themselves, or every provider played by the simulated one.
pub(super) fn lines(settings: &Settings, running: &Settings, today: Date) -> Vec<(Level, String)> {
    let mut lines = vec![(
        Level::INFO,
        format!("tollway {}, configuration: {}", env!("CARGO_PKG_VERSION"), settings.place),
    )];
    let names: Vec<&str> = running.providers.iter().map(|provider| &*provider.name).collect();
    let names = names.join(", ");
    if !settings.uses_simulator() {
        lines.extend((!names.is_empty()).then(|| (Level::INFO, format!("providers: {names}"))));
        let left_out =
            missing_keys(settings).map(|keys| format!("left out until their keys are set: {keys}"));
        lines.extend(left_out.map(|text| (Level::INFO, text)));
        lines.extend(settings.warnings(today).into_iter().map(|text| (Level::WARN, text)));
    } else if settings.simulator == SimulatorMode::On {
        let text = format!(
            "the simulator is switched on: simulated providers answer, whatever keys there are: {names}"
        );
        lines.push((Level::INFO, text));
    } else {
        let text = format!("no provider has a key, so that simulated ones answer: {names}");
        lines.push((Level::WARN, text));
        let real = missing_keys(settings).map(|keys| format!("real ones answer once a key is set: {keys}"));
        lines.extend(real.map(|text| (Level::WARN, text)));
    }
    lines
}

/// The line that says who may pass, where it is not simply those who have a key.
pub(super) fn admitted(settings: &Settings, is_required: bool, known: usize) -> Option<(Level, String)> {
    let listen = settings.server.listen;
    match (is_required, settings.auth.settings.mode) {
        // Nothing costs anything.
        (false, _) if settings.uses_simulator() => None,
        (false, mode) => {
            let then = match mode {
                Mode::Open => "say `auth.mode: required` to let only those pass who have one",
                _ => "make one with `tollway keys create NAME`, and it is asked for from then on",
            };
            let text =
                format!("no key is asked for: whoever reaches {listen} uses your providers' keys; {then}");
            Some((Level::WARN, text))
        }
        (true, _)
            if known == 0 && !(settings.auth.issuers.is_empty() && settings.auth.certificates.is_empty()) =>
        {
            Some((Level::INFO, "a token or a certificate is asked for; no key is known".to_owned()))
        }
        (true, _) if known == 0 => Some((
            Level::WARN,
            "a key is asked for, and there is none yet, so that every request is refused; make one with \
             `tollway keys create NAME`, or declare it in `keys`"
                .to_owned(),
        )),
        (true, _) => Some((Level::INFO, format!("a key is asked for; {known} are known"))),
    }
}

/// The line that says that the keys are not known, and what becomes of requests.
pub(super) fn unread(settings: &Settings) -> (Level, String) {
    let why = match (settings.state.lost(), &settings.state.secret_file) {
        (Some(file), Some(secret)) => format!(
            "the keys are gone, no such file: {}; bring it back, or to begin anew take away its secret too: {}",
            file.display(),
            secret.display()
        ),
        _ => "the keys could not be read from their database yet".to_owned(),
    };
    let text = format!("{why}; until then the gateway is not ready, and knows declared keys alone");
    (Level::WARN, text)
}

/// The providers without a key, and the variables that would give them one.
fn missing_keys(settings: &Settings) -> Option<String> {
    let missing = settings.disabled.iter().filter_map(|provider| match &provider.why {
        Why::MissingKey(variables) => Some(format!("{} ({})", provider.name, variables.join(" or "))),
        Why::Unfit(what) => Some(format!("{} ({what})", provider.name)),
        Why::SwitchedOff => None,
    });
    let missing: Vec<_> = missing.collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Env, Source};

    /// What a start in an environment says, without the first line.
    fn said(configuration: &str, environment: &[(&str, &str)]) -> Vec<(Level, String)> {
        let env: Env = environment.iter().copied().collect();
        let settings = Settings::load(&Source::text(configuration), &env).unwrap();
        let running = settings.for_simulator(settings.server.listen);
        let running = if settings.uses_simulator() { &running } else { &settings };
        let mut lines = lines(&settings, running, Date::of(std::time::SystemTime::UNIX_EPOCH));
        assert!(lines.remove(0).1.ends_with("configuration: tollway.yaml"));
        lines
    }

    #[test]
    fn a_key_brings_its_provider_and_the_others_are_named() {
        let said = said("{}", &[("MISTRAL_API_KEY", "k")]);
        assert_eq!(said[0], (Level::INFO, "providers: mistral".to_owned()));
        let (level, text) = &said[1];
        assert_eq!(*level, Level::INFO);
        assert!(text.contains("openai (OPENAI_API_KEY)") && !text.contains("mistral"), "{text}");
        assert_eq!(said.len(), 2);
    }

    #[test]
    fn without_keys_the_simulated_ones_and_the_keys_are_named() {
        let said = said("{}", &[]);
        assert!(said.iter().all(|(level, _)| *level == Level::WARN), "{said:?}");
        assert_eq!(
            said[0].1,
            "no provider has a key, so that simulated ones answer: anthropic, gemini, groq, mistral, openai, vertex"
        );
        assert!(said[1].1.contains("gemini (GEMINI_API_KEY or GOOGLE_API_KEY)"), "{said:?}");
    }

    /// It once said that no provider had a key.
    #[test]
    fn a_simulator_that_was_asked_for_is_no_warning() {
        for environment in [&[][..], &[("OPENAI_API_KEY", "k")]] {
            let said = said("simulator: on", environment);
            assert_eq!(said.len(), 1, "{said:?}");
            assert_eq!(said[0].0, Level::INFO);
            assert!(said[0].1.starts_with("the simulator is switched on"), "{said:?}");
        }
    }

    #[test]
    fn who_may_pass_is_said_loudly_where_everybody_may() {
        let said = |configuration: &str, is_required, known| {
            let env: Env = [("OPENAI_API_KEY", "k")].into_iter().collect();
            let settings = Settings::load(&Source::text(configuration), &env).unwrap();
            admitted(&settings, is_required, known)
        };
        let (level, text) = said("{}", false, 0).unwrap();
        assert_eq!(level, Level::WARN);
        assert!(text.contains("127.0.0.1:8080") && text.contains("tollway keys create"), "{text}");
        let (level, text) = said("auth: {mode: open}", false, 3).unwrap();
        assert!(level == Level::WARN && text.contains("auth.mode: required"), "{text}");
        let (level, text) = said("server: {listen: '0.0.0.0:80'}", true, 0).unwrap();
        assert!(level == Level::WARN && text.contains("every request is refused"), "{text}");
        assert_eq!(said("{}", true, 2), Some((Level::INFO, "a key is asked for; 2 are known".to_owned())));
        assert_eq!(said("simulator: on", false, 0), None);
        let (level, text) =
            said("auth: {jwt: {co: {issuer: 'https://i.example', audiences: t}}}", true, 0).unwrap();
        assert!(level == Level::INFO && text.contains("a token"), "{text}");
    }

    #[test]
    fn nobody_to_answer_is_a_warning() {
        let said = said("{simulator: off, providers: {}}", &[]);
        let nobody = "no provider is enabled and the simulator is off: every request will be refused";
        assert_eq!(said, [(Level::WARN, nobody.to_owned())]);
    }
}
