//! Explanations as text for people: one fact a line, what belongs together indented.

use std::{cmp::Ordering, fmt};

use super::{
    Applies, Cases, ColumnExplanation, Explanation, Inactive, MaskEffect, MaskExplanation, Matching, Off, PolicyRef,
    PredicateTest, RowEffect, RowsExplanation, Unmatched, Way,
    words::{Line, Name, Names, Percent, Selected},
};

impl fmt::Display for PolicyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "policy {}", Name(&self.id))?;
        if self.name == self.id { Ok(()) } else { write!(f, " ({})", Name(&self.name)) }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "data source {}", Name(&self.data_source))?;
        match (self.withdrawn.is_empty(), self.access.visible, self.access.profile) {
            (false, ..) => writeln!(f, "  nobody sees anything: the view is withdrawn")?,
            (true, true, _) => writeln!(f, "  the user is let in")?,
            (true, false, false) => writeln!(f, "  the user sees nothing: they have no profile")?,
            (true, false, true) => writeln!(f, "  the user sees nothing")?,
        }
        for withdrawal in &self.withdrawn {
            writeln!(f, "    {}", Line(&withdrawal.reason))?;
        }
        for way in &self.access.grants {
            write_way(f, "a way in", way)?;
        }
        for way in &self.access.guardrails {
            write_way(f, "guardrail", way)?;
        }
        let sees = if self.sees_view() { "sees" } else { "would see" };
        for column in &self.columns {
            column.write(f, sees)?;
        }
        for rows in &self.rows {
            rows.write(f, sees)?;
        }
        self.write_rest(f)
    }
}

impl Explanation {
    fn write_rest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Unmatched { policy, columns, did_you_mean } in &self.unmatched {
            write!(f, "  without effect: {policy}, no column is {}", selected_as(columns))?;
            match did_you_mean {
                Some(name) => writeln!(f, " (did you mean {}?)", Name(name))?,
                None => writeln!(f)?,
            }
        }
        for Inactive { policy, because } in &self.inactive {
            let because: Vec<&str> = because.iter().copied().map(Off::words).collect();
            writeln!(f, "  not in force: {policy}, {}", because.join(" and "))?;
        }
        for policy in &self.elsewhere {
            writeln!(f, "  on other columns: {policy}")?;
        }
        Ok(())
    }
}

fn selected_as(columns: &crate::event::wire::ColumnSelector) -> String {
    let selected = Selected(columns).to_string();
    match selected.strip_prefix("whose name ") {
        Some(matches) => format!("one whose name {matches}"),
        None => selected,
    }
}

impl Off {
    const fn words(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Disabled => "disabled",
            Self::DisabledForDataSource => "disabled for this data source",
        }
    }
}

fn write_way(f: &mut fmt::Formatter<'_>, what: &str, way: &Way) -> fmt::Result {
    write!(f, "    {what}, ")?;
    match &way.policy {
        Some(policy) => write!(f, "{policy} ({})", way.level.as_str())?,
        None => f.write_str("individual approval, as no policy grants")?,
    }
    writeln!(f, ": {}", way.verdict)
}

/// Writes what is done for whom. What is for this user stands in the line above, unless `applied` asks for it here.
fn write_cases<E: fmt::Display>(f: &mut fmt::Formatter<'_>, cases: &Cases<E>, applied: bool) -> fmt::Result {
    if cases.cases.is_empty() && !applied {
        return Ok(());
    }
    let effect = |f: &mut fmt::Formatter<'_>, effect: &E, applies: bool| {
        if applies && !applied { Ok(()) } else { write!(f, ", {effect}") }
    };
    let position = match cases.applies {
        Applies::Case(number) => number,
        Applies::Otherwise => cases.cases.len() + 1,
    };
    for (number, case) in (1..).zip(&cases.cases) {
        write!(f, "    case {number}")?;
        effect(f, &case.effect, number == position)?;
        match number.cmp(&position) {
            Ordering::Less => writeln!(f, ": {}", case.verdict)?,
            Ordering::Equal => writeln!(f, ": applies, {}", case.verdict)?,
            Ordering::Greater => writeln!(f, ": not reached")?,
        }
    }
    let is_otherwise = cases.applies == Applies::Otherwise;
    f.write_str(if cases.cases.is_empty() { "    for everyone" } else { "    otherwise" })?;
    effect(f, &cases.otherwise, is_otherwise)?;
    writeln!(f, ": {}", if is_otherwise { "applies" } else { "not reached" })
}

impl ColumnExplanation {
    fn write(&self, f: &mut fmt::Formatter<'_>, sees: &str) -> fmt::Result {
        write!(f, "  column {}, {}", Name(&self.column), self.data_type)?;
        if let Some(shown) = &self.shown_as {
            write!(f, ", shown as {shown}")?;
        }
        let Some(mask) = &self.mask else {
            return writeln!(f, ": the user {sees} the value itself, which no policy masks");
        };
        match &mask.withdrawn {
            Some(_) => writeln!(f, ": its mask can't be applied, see above")?,
            None => {
                let some = if mask.only_where.is_some() { ", in the rows that are masked" } else { "" };
                writeln!(f, ": the user {sees} {}{some}", mask.cases.effect())?;
            }
        }
        mask.write(f)
    }
}

impl MaskExplanation {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "    masked by {}, rule {}, columns {}", self.policy, self.rule, Selected(&self.columns))?;
        for loser in &self.losers {
            writeln!(f, "    over {loser}")?;
        }
        if let Some(predicate) = &self.only_where {
            writeln!(f, "    only in rows for which {} is not false; in others the value itself", Name(predicate))?;
        }
        write_cases(f, &self.cases, self.withdrawn.is_some())?;
        match &self.unmask {
            Some(unmask) => writeln!(f, "    undoing the mask: {unmask}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for MaskEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.null_because {
            Some(why) => write!(f, "null instead of {} ({})", self.seen, Line(why))?,
            None => f.write_str(&self.seen)?,
        }
        match &self.joins_within {
            Some(project) => write!(f, ", equal to those in the other data sources of project {}", Name(project)),
            None => Ok(()),
        }
    }
}

impl RowsExplanation {
    fn write(&self, f: &mut fmt::Formatter<'_>, sees: &str) -> fmt::Result {
        write!(f, "  rows by {}, rule {}: ", self.policy, self.rule)?;
        let effect = self.cases.effect();
        match &self.withdrawn {
            Some(_) => writeln!(f, "can't be applied, see above")?,
            None => writeln!(f, "the user {sees} {}", effect.seen())?,
        }
        write_cases(f, &self.cases, self.withdrawn.is_some())?;
        match effect {
            RowEffect::While { verdict, .. } => writeln!(f, "    {effect}: {verdict}"),
            RowEffect::Where { tests, .. } => tests.iter().try_for_each(|test| writeln!(f, "    it asks: {test}")),
            _ => Ok(()),
        }
    }
}

impl RowEffect {
    /// What it comes to for the user, where that is known without the rows.
    fn seen(&self) -> String {
        match self {
            Self::While { verdict, .. } if verdict.is_met() => Self::All.to_string(),
            Self::While { .. } => Self::None.to_string(),
            Self::Match(matching) if !matching.may_hold() => {
                format!("no row, having nothing that is compared: {matching}")
            }
            _ => self.to_string(),
        }
    }
}

impl Matching {
    /// Whether there is a value with which it could hold.
    fn may_hold(&self) -> bool {
        match self {
            Self::Any(any) => any.iter().any(Self::may_hold),
            Self::All(all) => all.iter().all(Self::may_hold),
            Self::Attribute { has, .. } | Self::Group { has, .. } => !has.is_empty(),
        }
    }
}

impl fmt::Display for RowEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("every row"),
            Self::None => f.write_str("no row"),
            Self::Match(matching) => write!(f, "rows in which {matching}"),
            Self::TimeWindow { column, newer_than_days, older_than_days } => {
                let bounds = [("newer", newer_than_days), ("older", older_than_days)];
                let bounds = bounds.into_iter().filter_map(|(word, days)| Some((word, days.as_ref()?)));
                let bounds: Vec<String> = bounds.map(|(word, days)| format!("{word} than {days} days")).collect();
                write!(f, "rows {}, by {}", bounds.join(" and "), Place(column, "an event-time column"))
            }
            Self::Sample { column, hundredths } => {
                write!(f, "a stable {} of the rows, by {}", Percent(*hundredths), Place(column, "a key column"))
            }
            Self::While { purposes, .. } => {
                let one = if purposes.len() == 1 { "purpose" } else { "one of the purposes" };
                write!(f, "every row while acting under {one} {}, else none", Names(purposes))
            }
            Self::Where { predicate, .. } => write!(f, "rows for which {} is true", Name(predicate)),
        }
    }
}

/// A column, or that there is none.
struct Place<'a>(&'a Option<String>, &'static str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(column) => write!(f, "column {}", Name(column)),
            None => write!(f, "{}, which is missing", self.1),
        }
    }
}

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, what: &str, list: &[Self]| {
            write!(f, "{what} [")?;
            for (index, one) in list.iter().enumerate() {
                write!(f, "{}{one}", if index == 0 { "" } else { "; " })?;
            }
            f.write_str("]")
        };
        let (columns, has, what) = match self {
            Self::Any(any) => return list(f, "one of", any),
            Self::All(all) => return list(f, "all of", all),
            Self::Attribute { name, columns, has } => (columns, has, format!("value of attribute {}", Name(name))),
            Self::Group { columns, has } => (columns, has, "group".to_owned()),
        };
        match columns.as_slice() {
            [] => f.write_str("a column that is missing")?,
            [column] => write!(f, "column {}", Name(column))?,
            _ => write!(f, "each of the columns {}", Names(columns))?,
        }
        write!(f, " equals a {what} (the user has ")?;
        if has.is_empty() { f.write_str("none)") } else { write!(f, "{})", Names(has)) }
    }
}

impl fmt::Display for PredicateTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Has(verdict) => write!(f, "{verdict}"),
            Self::Contains { attribute, kind, column, has } => {
                write!(f, "column {} in {kind}", Name(column))?;
                if let Some(name) = attribute {
                    write!(f, " {}", Name(name))?;
                }
                if has.is_empty() { f.write_str(", of which the user has none") } else { write!(f, ": {}", Names(has)) }
            }
        }
    }
}
