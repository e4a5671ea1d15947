//! The rows of a request, kept compactly.

use std::fmt;

use memchr::memchr2;
use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::error::RowFault;

/// The most arguments behind the value that are looked at; no function has more.
const MOST: usize = 4;

/// Values, one behind the other, and the other arguments of the rows.
#[derive(Default)]
pub struct Rows {
    /// Every text of the request, as far as it did not occur in the row before.
    text: String,
    values: Vec<Span>,
    runs: Vec<Run>,
    bytes: usize,
    fault: Option<(usize, RowFault)>,
}

/// A part of the text, or null.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

/// Null: no text starts behind its end.
const NULL: Span = Span { start: 1, end: 0 };

/// Rows that share every argument but the value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// The first row, counted from 0.
    pub(crate) row: usize,
    /// How many arguments there are behind the value.
    pub(crate) arguments: usize,
    spans: [Span; MOST],
}

impl Rows {
    /// Reads the text of JSON that is known to be right; `None` if it is no list.
    ///
    /// Redshift calls a function with a column and constants. So a row mostly ends in the same text as the row before, and
    /// only its beginning is looked at.
    pub(super) fn read(json: &str) -> Option<Self> {
        let mut rows = Self { bytes: json.len(), ..Self::default() };
        let mut rest = json.trim_start().strip_prefix('[')?;
        // How the last run's rows go on behind the value.
        let mut tail = None;
        loop {
            rest = rest.trim_start_matches([',', ' ', '\t', '\n', '\r']);
            if rest.is_empty() || rest.starts_with(']') {
                return Some(rows);
            }
            if let (Some((value, end)), Some(tail)) = (begin_row(rest), tail)
                && let Some(next) = end.strip_prefix(tail)
            {
                rows.push_value(value);
                rest = next;
                continue;
            }
            let (row, next) = split_value(rest)?;
            let runs = rows.runs.len();
            RowSeed(&mut rows).deserialize(&mut serde_json::Deserializer::from_str(row)).ok()?;
            if runs < rows.runs.len() {
                tail = begin_row(row).map(|(_, tail)| tail);
            }
            rest = next;
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many bytes the rows had.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is a value that is not null.
    pub(super) fn has_values(&self) -> bool {
        self.values.iter().any(|span| span.start <= span.end)
    }

    /// The value of a row; `None` for null.
    pub(crate) fn value(&self, row: usize) -> Option<&str> {
        self.slice(*self.values.get(row)?)
    }

    /// An argument of a run's rows, counted from 0 behind the value; `None` for null.
    pub(crate) fn argument(&self, run: &Run, index: usize) -> Option<&str> {
        self.slice(*run.spans.get(index)?)
    }

    /// The runs, which cover all rows but null ones at the beginning.
    pub(super) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The first row that is wrong, counted from 0.
    pub(super) fn fault(&self) -> Option<(usize, RowFault)> {
        self.fault
    }

    fn slice(&self, span: Span) -> Option<&str> {
        self.text.get(span.start as usize..span.end as usize)
    }

    fn push_text(&mut self, text: &str) -> Span {
        let start = self.text.len();
        // Lambda takes 6 MB. What 32 bits can't count is no request of Redshift's.
        match (u32::try_from(start), u32::try_from(start + text.len())) {
            (Ok(start), Ok(end)) => {
                self.text.push_str(text);
                Span { start, end }
            }
            _ => {
                self.fail(RowFault::TooLong);
                NULL
            }
        }
    }

    fn push_cell(&mut self, cell: Option<&str>) -> Span {
        cell.map_or(NULL, |text| self.push_text(text))
    }

    fn push_value(&mut self, value: Option<&str>) {
        let span = self.push_cell(value);
        self.values.push(span);
    }

    /// Notes what is wrong with the row that is being read.
    fn fail(&mut self, fault: RowFault) {
        self.fault.get_or_insert((self.values.len().saturating_sub(1), fault));
    }

    /// Takes the next argument of the row that was pushed last. `run` is the row's own, once it has one.
    fn push_argument(&mut self, run: &mut Option<Run>, index: usize, argument: Option<&str>) {
        if run.is_none() {
            if let Some(last) = self.runs.last()
                && index < last.arguments
                && self.argument(last, index) == argument
            {
                return;
            }
            *run = Some(self.begin_run(index));
        }
        let span = self.push_cell(argument);
        if let Some(run) = run {
            run.arguments = index + 1;
            if let Some(place) = run.spans.get_mut(index) {
                *place = span;
            }
        }
    }

    /// A run that begins with the row that was pushed last and shares some arguments with the run before.
    fn begin_run(&self, shared: usize) -> Run {
        let mut spans = [NULL; MOST];
        if let Some(last) = self.runs.last() {
            for (to, from) in spans.iter_mut().zip(last.spans).take(shared) {
                *to = from;
            }
        }
        Run { row: self.values.len().saturating_sub(1), arguments: shared, spans }
    }

    /// Ends the row that was pushed last, after some arguments.
    fn end_row(&mut self, run: Option<Run>, arguments: usize) {
        let is_shorter = || self.runs.last().is_none_or(|last| last.arguments != arguments);
        if let Some(run) = run.or_else(|| is_shorter().then(|| self.begin_run(arguments))) {
            self.runs.push(run);
        }
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("rows", &self.values.len()).field("runs", &self.runs.len()).finish_non_exhaustive()
    }
}

/// Takes the beginning of a row apart: its value, and what follows. `None` for what is not as simple as that.
fn begin_row(row: &str) -> Option<(Option<&str>, &str)> {
    let row = row.strip_prefix('[')?;
    if let Some(rest) = row.strip_prefix("null") {
        return Some((None, rest));
    }
    let row = row.strip_prefix('"')?;
    let (value, rest) = row.split_at_checked(memchr2(b'"', b'\\', row.as_bytes())?)?;
    Some((Some(value), rest.strip_prefix('"')?))
}

/// Splits right JSON behind its first value.
fn split_value(json: &str) -> Option<(&str, &str)> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (index, byte) in json.bytes().enumerate() {
        // Whether the value ends before this byte, or behind it.
        let (before, behind) = match byte {
            _ if escaped => {
                escaped = false;
                continue;
            }
            b'\\' => {
                escaped = true;
                continue;
            }
            b'"' => {
                in_text = !in_text;
                (false, !in_text && depth == 0)
            }
            _ if in_text => continue,
            b'[' | b'{' => {
                depth += 1;
                continue;
            }
            b']' | b'}' if depth > 0 => {
                depth -= 1;
                (false, depth == 0)
            }
            b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r' => (depth == 0, false),
            _ => continue,
        };
        if before || behind {
            return json.split_at_checked(index + usize::from(behind));
        }
    }
    Some((json, ""))
}

/// Visits what is not expected: notes the fault, and skips it.
macro_rules! fault {
    ($fail:expr, $($name:ident($type:ty)),*) => {
        $(fn $name<E>(self, _: $type) -> Result<Self::Value, E> {
            Ok($fail(self))
        })*

        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($fail(self))
        }
    };
}

/// Reads a row: a list, or null.
struct RowSeed<'a>(&'a mut Rows);

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl RowSeed<'_> {
    fn fail(self, fault: RowFault) {
        self.0.push_value(None);
        self.0.fail(fault);
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fault!(
        |row: Self| row.fail(RowFault::NotAList),
        visit_bool(bool),
        visit_i64(i64),
        visit_u64(u64),
        visit_f64(f64),
        visit_str(&str)
    );

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.push_value(None);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let rows = self.0;
        if list.next_element_seed(CellSeed { rows, argument: None, run: &mut None })?.is_none() {
            RowSeed(rows).fail(RowFault::NoValue);
            return Ok(());
        }
        let mut run = None;
        let mut arguments = 0;
        while list.next_element_seed(CellSeed { rows, argument: Some(arguments), run: &mut run })?.is_some() {
            arguments += 1;
        }
        rows.end_row(run, arguments);
        Ok(())
    }
}

/// Reads the value of a row, or another argument: a text, or null.
struct CellSeed<'a> {
    rows: &'a mut Rows,
    /// Which argument behind the value, counted from 0.
    argument: Option<usize>,
    run: &'a mut Option<Run>,
}

impl CellSeed<'_> {
    fn take(self, cell: Option<&str>) {
        match self.argument {
            None => self.rows.push_value(cell),
            Some(index) => self.rows.push_argument(self.run, index, cell),
        }
    }

    fn fail(self) {
        let fault = RowFault::NotText(self.argument.map_or(1, |index| index + 2));
        let Self { rows, argument, run } = self;
        CellSeed { rows, argument, run }.take(None);
        rows.fail(fault);
    }
}

impl<'de> DeserializeSeed<'de> for CellSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cell")
    }

    fault!(CellSeed::fail, visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64));

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.fail();
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.take(Some(text));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.take(None);
        Ok(())
    }
}
