//! Certificates of clients, and whom they come to.

use schemars::JsonSchema;
use serde::Deserialize;
use tollway_auth::certificate::{CertificateRule, NameField, NamePart, NamePattern};

use super::{
    Path,
    document::Short,
    error::Problem,
    grant::GrantFile,
    nearest::{did_you_mean, list},
};

/// A rule for certificates of clients, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CertificateFile {
    /// A DNS name among its alternative names, with `*` for any run of characters.
    dns: Option<String>,
    /// A URI among them, such as a SPIFFE ID.
    uri: Option<String>,
    /// An email address among them.
    email: Option<String>,
    /// CN of its subject.
    common_name: Option<String>,
    /// O of its subject.
    organization: Option<String>,
    /// OU of its subject.
    organizational_unit: Option<String>,
    /// Which of these names is the user: a word from above, or a section with `field`, `after`, `before`.
    user: Option<Short<PartFile>>,
    /// Which is the team, likewise.
    team: Option<Short<PartFile>>,
    /// What its owner may do.
    grant: GrantFile,
}

/// A part of a name.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct PartFile {
    /// Which name.
    field: String,
    /// What it begins with, and is left out.
    after: String,
    /// With what the rest is cut off.
    before: String,
}

const FIELDS: [(&str, NameField); 6] = [
    ("dns", NameField::Dns),
    ("uri", NameField::Uri),
    ("email", NameField::Email),
    ("common_name", NameField::CommonName),
    ("organization", NameField::Organization),
    ("organizational_unit", NameField::OrganizationalUnit),
];

/// Reads all rules. The first that fits counts.
pub(super) fn certificates(
    files: Vec<CertificateFile>,
    path: &Path,
) -> Result<Vec<CertificateRule>, Problem> {
    files.into_iter().enumerate().map(|(at, file)| file.validate(&path.index(at))).collect()
}

impl CertificateFile {
    fn validate(self, path: &Path) -> Result<CertificateRule, Problem> {
        let patterns = [
            &self.dns,
            &self.uri,
            &self.email,
            &self.common_name,
            &self.organization,
            &self.organizational_unit,
        ];
        let names: Vec<NamePattern> = FIELDS
            .into_iter()
            .zip(patterns)
            .filter_map(|((_, field), pattern)| Some(NamePattern { field, pattern: pattern.clone()? }))
            .collect();
        if names.is_empty() || names.iter().any(|name| name.pattern.is_empty()) {
            let words = FIELDS.map(|(word, _)| word);
            return Err(Problem::plain(path.clone(), "no name that a certificate must have")
                .hint(format!("give {}; `*` stands for any run of characters", list(&words, "or"))));
        }
        Ok(CertificateRule {
            names,
            user: self.user.map(|part| name_part(part, &path.key("user"))).transpose()?,
            team: self.team.map(|part| name_part(part, &path.key("team"))).transpose()?,
            grant: self.grant.read(&path.key("grant"))?,
        })
    }
}

fn name_part(part: Short<PartFile>, path: &Path) -> Result<NamePart, Problem> {
    let part = match part {
        Short::Text(field) => PartFile { field, ..PartFile::default() },
        Short::Full(part) => part,
    };
    let found = FIELDS.iter().find(|(word, _)| *word == part.field);
    let Some((_, field)) = found else {
        let words = FIELDS.map(|(word, _)| word);
        let hint = did_you_mean(&part.field, words).unwrap_or_else(|| format!("say {}", list(&words, "or")));
        return Err(Problem::value(path.clone(), "no name of a certificate").hint(hint));
    };
    Ok(NamePart { field: *field, after: part.after, before: part.before })
}
