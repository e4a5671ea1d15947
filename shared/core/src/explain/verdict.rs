//! Whether a user meets a condition, and what of theirs decided it.

use std::fmt;

use serde::Serialize;

use super::words::{Name, Names, count};

/// Whether a condition is met. There is no negation in conditions, so what a user has can only help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Verdict {
    /// It is.
    Met {
        /// Enough by itself, and none of it can be spared; empty where nothing is asked for but a profile.
        decided_by: Vec<Held>,
        /// What would meet it in place of some of that. Without both the condition is not met.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        also: Vec<Held>,
    },
    /// It is not.
    Unmet {
        /// What would have to be added.
        missing: Need,
    },
}

/// Something that Redshift knows a user to have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Being this user.
    User(String),
    /// Membership of this group.
    Group(String),
    /// A value of an attribute.
    Attribute {
        /// The attribute.
        name: String,
        /// The value.
        value: String,
        /// The value below it that the policy names, where it does not name this one.
        #[serde(skip_serializing_if = "Option::is_none")]
        covers: Option<String>,
    },
    /// A purpose the user acts under.
    Purpose {
        /// The purpose.
        purpose: String,
        /// The project in which they do.
        project: String,
    },
    /// Working in this project.
    Project(String),
    /// The approval for this data source.
    Approval(String),
}

/// What is missing for a condition to be met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// One of these is enough.
    Any(Vec<Need>),
    /// Each of these.
    All(Vec<Need>),
    /// To be known at all.
    Profile,
    /// To be one of so many users that the policy lists.
    Listed(usize),
    /// One of these groups.
    Group(Vec<String>),
    /// One of some values of an attribute.
    Attribute {
        /// The attribute.
        name: String,
        /// The values; one above any of them is as good.
        values: Vec<String>,
        /// The user's values of it, none of which is.
        has: Vec<String>,
    },
    /// One of these purposes.
    Purpose {
        /// The purposes.
        purposes: Vec<String>,
        /// The ways to act under one of them here: without any, nobody can.
        through: Vec<Through>,
    },
    /// To work in one of these projects.
    Project(Vec<String>),
    /// The approval for one of these data sources.
    Approval(Vec<String>),
}

/// A project in which a user might act under a purpose, and what keeps them from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Through {
    /// The project.
    pub project: String,
    /// What keeps them from it.
    pub lacks: Lack,
}

/// What keeps a user from acting under a purpose of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// They do not work in the project: they have not switched to it, or are not a member.
    Project,
    /// They have not acknowledged the purpose.
    Acknowledgement,
}

impl Verdict {
    /// Whether the condition is met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        matches!(self, Self::Met { .. })
    }

    /// Nothing but a profile is asked for.
    pub(super) fn of_profile(has_profile: bool) -> Self {
        if has_profile {
            Self::Met { decided_by: Vec::new(), also: Vec::new() }
        } else {
            Self::Unmet { missing: Need::Profile }
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Met { decided_by, .. } if decided_by.is_empty() => f.write_str("met by having a profile"),
            Self::Met { decided_by, also } => {
                f.write_str("met by ")?;
                list(f, decided_by, " and ")?;
                if !also.is_empty() {
                    f.write_str("; would do too: ")?;
                    list(f, also, ", ")?;
                }
                Ok(())
            }
            Self::Unmet { missing } => write!(f, "not met, missing {missing}"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, items: &[impl fmt::Display], between: &str) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if index == 0 { "" } else { between })?;
    }
    Ok(())
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "being user {}", Name(id)),
            Self::Group(group) => write!(f, "group {}", Name(group)),
            Self::Attribute { name, value, covers } => {
                write!(f, "attribute {} = {}", Name(name), Name(value))?;
                match covers {
                    Some(below) => write!(f, " (above {})", Name(below)),
                    None => Ok(()),
                }
            }
            Self::Purpose { purpose, project } => {
                write!(f, "purpose {} through project {}", Name(purpose), Name(project))
            }
            Self::Project(project) => write!(f, "working in project {}", Name(project)),
            Self::Approval(source) => write!(f, "the approval for {}", Name(source)),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(needs) => several(f, "one of", needs),
            Self::All(needs) => several(f, "all of", needs),
            Self::Profile => f.write_str("a profile"),
            Self::Listed(users) => write!(f, "being one of the {} listed", count(*users, "user", "users")),
            Self::Group(groups) => named(f, "group", "groups", groups),
            Self::Attribute { name, values, has } => {
                write!(f, "attribute {} = ", Name(name))?;
                write!(f, "{}{} (has ", if values.len() == 1 { "" } else { "one of " }, Names(values))?;
                if has.is_empty() { f.write_str("none)") } else { write!(f, "{})", Names(has)) }
            }
            Self::Purpose { purposes, through } => {
                named(f, "purpose", "purposes", purposes)?;
                f.write_str(" (")?;
                if through.is_empty() {
                    f.write_str("no project of this data source has it")?;
                }
                list(f, through, "; ")?;
                f.write_str(")")
            }
            Self::Project(projects) => {
                f.write_str("work in ")?;
                named(f, "project", "projects", projects)
            }
            Self::Approval(sources) => {
                f.write_str("the approval for ")?;
                named(f, "data source", "data sources", sources)
            }
        }
    }
}

impl fmt::Display for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let project = Name(&self.project);
        match self.lacks {
            Lack::Project => write!(f, "not working in project {project}"),
            Lack::Acknowledgement => write!(f, "not acknowledged in project {project}"),
        }
    }
}

fn several(f: &mut fmt::Formatter<'_>, what: &str, needs: &[Need]) -> fmt::Result {
    write!(f, "{what} [")?;
    list(f, needs, "; ")?;
    f.write_str("]")
}

fn named(f: &mut fmt::Formatter<'_>, one: &str, several: &str, names: &[String]) -> fmt::Result {
    match names {
        [name] => write!(f, "{one} {}", Name(name)),
        _ => write!(f, "one of the {several} {}", Names(names)),
    }
}
