//! Holds the dependency rules of the house: who may know whom.
//!
//! The rules stand in [`RULES`]; a new folder under `layers/` falls under the last one by itself.

use std::{collections::BTreeMap, error::Error, fs, path::Path, process::Command};

use toml::{Table, Value};

/// What the crates of some folders may depend on. The first rule that names a folder holds.
struct Rule {
    /// Folder under `layers/`, or `*` for every other one.
    folder: &'static str,
    /// Crates of this workspace it may use, for anything, tests included.
    members: &'static [&'static str],
    /// Crates from outside its code may use; `None` is any.
    outside: Option<&'static [&'static str]>,
    /// Crates that may not come in through others either.
    never: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        folder: "core",
        members: &[],
        outside: Some(&["bytes", "http", "http-body", "pin-project-lite", "tower-layer", "tower-service"]),
        never: RUNTIMES,
    },
    Rule {
        folder: "wire",
        members: &["tollway-core"],
        outside: Some(&[
            "base64",
            "bytes",
            "http",
            "itoa",
            "memchr",
            "ryu",
            "serde",
            "serde_json",
            "serde_path_to_error",
            "thiserror",
        ]),
        never: RUNTIMES,
    },
    Rule { folder: "*", members: &["tollway-core"], outside: None, never: &[] },
];

/// The bench's pass-through, a member of the workspace that is no layer.
const PASSTHROUGH: &str = "bench/passthrough/Cargo.toml";

/// I/O and clocks: what is sans-io has none of them.
const RUNTIMES: &[&str] =
    &["async-std", "futures", "futures-util", "hyper", "hyper-util", "mio", "smol", "tokio"];

#[test]
fn layers_know_only_whom_they_may() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = read(&root.join("Cargo.toml"))?;
    let layers = layers(root)?;
    assert!(layers.contains_key("core") && layers.contains_key("wire"), "no layers were found");

    let complaints: Vec<String> =
        layers.iter().flat_map(|(folder, manifest)| faults(folder, manifest, &workspace)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

#[test]
fn nothing_forbidden_comes_in_through_others() -> Result<(), Box<dyn Error>> {
    for (folder, _) in layers(Path::new(env!("CARGO_MANIFEST_DIR")))? {
        let never = rule(&folder).never;
        if never.is_empty() {
            continue;
        }
        let tree = tree(&format!("tollway-{folder}"))?;
        assert!(tree.iter().any(|name| name == "bytes"), "{folder}: no tree was read: {tree:?}");
        let found: Vec<_> = tree.iter().filter(|name| never.contains(&name.as_str())).collect();
        assert!(found.is_empty(), "{folder}: brings in {found:?}");
    }
    Ok(())
}

#[test]
fn the_others_take_shared_versions_and_lints_too() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = read(&root.join("Cargo.toml"))?;
    let passthrough = read(&root.join(PASSTHROUGH))?;
    let outside_layers = [("tollway", &workspace), ("passthrough", &passthrough)];
    let house_faults = outside_layers.map(|(member, manifest)| house_faults(member, manifest, &workspace));
    let mut complaints: Vec<String> = house_faults.into_iter().flatten().collect();

    // A version that two members need has its one place in the workspace.
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let layers = layers(root)?;
    for (member, manifest) in layers.iter().map(|(folder, m)| (folder.as_str(), m)).chain(outside_layers) {
        for (_, name, value) in dependencies(manifest) {
            if !inherits(value) {
                users.entry(name).or_default().push(member.to_owned());
            }
        }
    }
    users.retain(|_, members| {
        members.dedup();
        members.len() > 1
    });
    complaints.extend(users.iter().map(|(name, members)| format!("{name}: own versions in {members:?}")));
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

/// What the gateway is measured against is no part of it, and is built without what its tests need.
#[test]
fn the_pass_through_stands_apart() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = read(&root.join(PASSTHROUGH))?;
    let package = manifest.get("package").and_then(Value::as_table).ok_or("no package")?;
    assert_eq!(package.get("publish").and_then(Value::as_bool), Some(false));
    let name = package.get("name").and_then(Value::as_str).ok_or("no name")?;
    let tree = tree(name)?;
    assert!(tree.iter().any(|name| name == "hyper"), "no tree was read: {tree:?}");
    let never = ["tollway", "tollway-core", "tollway-wire", "jsonschema", "proptest"];
    let found: Vec<_> = tree.iter().filter(|name| never.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "brings in {found:?}");
    let has_examples = fs::read_dir(root.join("examples")).is_ok_and(|mut files| files.next().is_some());
    assert!(!has_examples, "an example of the gateway is built with all that its tests need");
    for (_, known, _) in dependencies(&read(&root.join("Cargo.toml"))?) {
        assert_ne!(known, name, "the gateway needs what measures it");
    }
    Ok(())
}

#[test]
fn each_rule_catches_its_breach() -> Result<(), Box<dyn Error>> {
    const SOUND: &str = "[package]\nname = 'tollway-NAME'\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\n[lints]\nworkspace = true\n";
    let cases = [
        ("core", "", ""),
        ("core", "[dependencies]\nserde.workspace = true", "core: may not use serde"),
        ("core", "[dependencies]\ntollway-wire.workspace = true", "core: may not know tollway-wire"),
        ("core", "[dev-dependencies]\nproptest.workspace = true", ""),
        ("wire", "[dependencies]\nx = { package = 'tokio', version = '1' }", "wire: may not use tokio"),
        ("wire", "[target.'cfg(unix)'.dependencies]\nhyper = '1'", "wire: may not use hyper"),
        ("wire", "[build-dependencies]\ncc = '1'", "wire: may not use cc"),
        ("route", "[dependencies]\ntokio.workspace = true\ntollway-core.workspace = true", ""),
        ("route", "[dependencies]\ntollway-cost.workspace = true", "route: may not know tollway-cost"),
        ("route", "[dev-dependencies]\ntollway.workspace = true", "route: may not know tollway"),
        ("route", "[dependencies]\nserde = '1'", "route: serde has its own version"),
        ("route", "[dependencies]\nodd = { git = 'https://example.org/odd' }", "route: odd comes from git"),
        ("route", "[dependencies]\nodd = '*'", "route: odd has no version"),
    ];
    let workspace: Table = "[workspace.dependencies]\nserde = '1'\ntokio = '1'\n".parse()?;
    for (folder, extra, expected) in cases {
        let manifest: Table = format!("{}{extra}", SOUND.replace("NAME", folder)).parse()?;
        let found = faults(folder, &manifest, &workspace);
        match expected {
            "" => assert_eq!(found, Vec::<String>::new(), "{extra}"),
            _ => assert!(found.iter().any(|fault| fault == expected), "{extra}: {found:?}"),
        }
    }

    for left_out in SOUND.lines().filter(|line| !line.starts_with('[')) {
        let rest: Vec<_> = SOUND.lines().filter(|line| *line != left_out).collect();
        let manifest: Table = rest.join("\n").replace("NAME", "route").parse()?;
        assert!(!faults("route", &manifest, &workspace).is_empty(), "nobody missed: {left_out}");
    }
    Ok(())
}

/// Every breach of a layer, worded for the one who made it.
fn faults(folder: &str, manifest: &Table, workspace: &Table) -> Vec<String> {
    let rule = rule(folder);
    let mut faults = house_faults(folder, manifest, workspace);
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
    if name != Some(&format!("tollway-{folder}")) {
        faults.push(format!("{folder}: is not named tollway-{folder}"));
    }
    for (kind, name, _) in dependencies(manifest) {
        let is_member = name == "tollway" || name.starts_with("tollway-");
        if is_member && !rule.members.contains(&name.as_str()) {
            faults.push(format!("{folder}: may not know {name}"));
        }
        let is_code = kind != "dev-dependencies";
        if !is_member && is_code && rule.outside.is_some_and(|outside| !outside.contains(&name.as_str())) {
            faults.push(format!("{folder}: may not use {name}"));
        }
    }
    faults
}

/// What holds for every member: the workspace's lints, package fields and shared versions.
fn house_faults(member: &str, manifest: &Table, workspace: &Table) -> Vec<String> {
    let mut faults = Vec::new();
    if !manifest.get("lints").is_some_and(inherits) {
        faults.push(format!("{member}: does not take the workspace's lints"));
    }
    for field in ["version", "edition", "rust-version", "license"] {
        if !manifest.get("package").and_then(|package| package.get(field)).is_some_and(inherits) {
            faults.push(format!("{member}: does not take the workspace's {field}"));
        }
    }
    let shared = workspace.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    for (_, name, value) in dependencies(manifest) {
        if !inherits(value) && shared.is_some_and(|shared| shared.get(&name).is_some()) {
            faults.push(format!("{member}: {name} has its own version"));
        }
        if value.get("git").is_some() {
            faults.push(format!("{member}: {name} comes from git"));
        } else if !inherits(value) && matches!(version(value), None | Some("*")) {
            faults.push(format!("{member}: {name} has no version"));
        }
    }
    faults
}

fn rule(folder: &str) -> &'static Rule {
    let Some(rule) = RULES.iter().find(|rule| rule.folder == folder || rule.folder == "*") else {
        unreachable!("the last rule names every folder")
    };
    rule
}

/// Every dependency as (kind, package name, value), those under `[target.…]` among them.
fn dependencies(manifest: &Table) -> Vec<(&'static str, String, &Value)> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table).chain([manifest]);
    tables
        .flat_map(|table| KINDS.iter().filter_map(|kind| Some((*kind, table.get(*kind)?.as_table()?))))
        .flat_map(|(kind, table)| {
            table.iter().map(move |(name, value)| {
                let package = value.get("package").and_then(Value::as_str).unwrap_or(name);
                (kind, package.to_owned(), value)
            })
        })
        .collect()
}

fn inherits(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

fn version(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("version").and_then(Value::as_str))
}

/// The manifests under `layers/`, by folder.
fn layers(root: &Path) -> Result<BTreeMap<String, Table>, Box<dyn Error>> {
    let mut layers = BTreeMap::new();
    for entry in fs::read_dir(root.join("layers"))? {
        let entry = entry?;
        let manifest = entry.path().join("Cargo.toml");
        if manifest.exists() {
            layers.insert(entry.file_name().to_string_lossy().into_owned(), read(&manifest)?);
        }
    }
    Ok(layers)
}

fn read(path: &Path) -> Result<Table, Box<dyn Error>> {
    Ok(fs::read_to_string(path)?.parse()?)
}

/// Names of everything a package's code is built from, as cargo resolves it.
fn tree(package: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{lib}",
        ])
        .args(["--package", package])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?.lines().map(|line| line.replace('_', "-")).collect())
}
