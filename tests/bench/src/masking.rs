//! How fast the mask function is, against the best Python that a Redshift user would have written: the same requests, from
//! their bytes to the text of the reply, in turns, by processor time. And how large its replies and its process become.

mod lambda;
mod python;

use std::{
    collections::BTreeSet,
    env,
    error::Error,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use redoubt_mask::{
    format::{KEY_BYTES, TextMask},
    key::MasterSecret,
    mask::Masker,
    request::Payload,
};
use rustix::time::{ClockId, clock_gettime};

use self::{lambda::Lambda, python::Python};
use crate::report::{Report, grouped, median};

/// The most that Redshift puts into a request: 5 MB.
const REQUEST_BYTES: usize = 5 * 1024 * 1024;
const ROUNDS: usize = 5;
const TARGET_RATIO: f64 = 5.0;
const TARGET_RATIO_FF1: f64 = 20.0;
const TARGET_FF1: f64 = 1e6;
const TARGET_REPLY: usize = 6_000_000;
const TARGET_MEMORY: usize = 200_000_000;

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const COLUMN: [&str; 3] = [TOKEN, "tpch.public.customer", "c_phone"];
const DIGITS: &str = "0123456789";
const LETTERS_AND_DIGITS: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

/// A mask on one kind of value.
struct Case {
    name: &'static str,
    values: Values,
    function: &'static str,
    arguments: Vec<&'static str>,
    /// How many times as fast as Python it must be, if that was promised.
    target: Option<f64>,
    /// Whether Python can do the very same, so that the replies must be equal.
    same: bool,
}

#[derive(Clone, Copy)]
enum Values {
    Digits16,
    Characters30,
}

impl Values {
    fn name(self) -> &'static str {
        match self {
            Self::Digits16 => "16 digits",
            Self::Characters30 => "30 characters",
        }
    }

    /// A value that hardly repeats.
    fn value(self, row: u64) -> String {
        let number = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 10_000_000_000_000_000;
        match self {
            Self::Digits16 => format!("{number:016}"),
            Self::Characters30 => format!("id{number:016}@example.org"),
        }
    }
}

fn cases() -> Vec<Case> {
    let regex = |name, values, pattern, replacement, flags| Case {
        name,
        values,
        function: "mask_regex",
        arguments: vec![pattern, replacement, flags],
        target: Some(TARGET_RATIO),
        same: true,
    };
    let keyed = |name, values, function, alphabet: Option<&'static str>, target| Case {
        name,
        values,
        function,
        arguments: COLUMN.into_iter().chain(alphabet).collect(),
        target: Some(target),
        same: alphabet.is_none(),
    };
    use Values::{Characters30, Digits16};
    vec![
        regex("regex, every digit", Digits16, r"\d", "X", "g"),
        regex("regex, all but the last four", Digits16, r"^\d{12}", "************", ""),
        regex("regex, back-references", Digits16, r"^(\d{4})\d{8}(\d{4})$", r"\1********\2", ""),
        regex("regex, every digit", Characters30, r"\d", "X", "g"),
        regex("regex, before the @", Characters30, r"^[^@]+", "***", ""),
        regex("regex, back-references", Characters30, r"^(.)[^@]*(@.*)$", r"\1***\2", ""),
        // A pattern that can match in several ways has them all tried, if groups are asked for. It can be written as above.
        Case {
            target: None,
            ..regex("ambiguous regex, back-references", Characters30, r"^(.).*(@.*)$", r"\1***\2", "")
        },
        keyed("AES-SIV", Digits16, "mask_reversible", None, TARGET_RATIO),
        keyed("AES-SIV", Characters30, "mask_reversible", None, TARGET_RATIO),
        keyed("FF1", Digits16, "mask_format_preserving", Some(DIGITS), TARGET_RATIO_FF1),
        keyed("FF1", Characters30, "mask_format_preserving", Some(LETTERS_AND_DIGITS), TARGET_RATIO_FF1),
    ]
}

/// Measures the mask function.
///
/// # Errors
/// When Python or the release binary is missing, a reply is wrong, or the output can't be written.
pub fn run(report: &mut Report) -> Result<(), Box<dyn Error>> {
    report.heading("Masking: requests of 5 MB, from their bytes to the reply, one core, against Python")?;
    let folder = env::temp_dir().join(format!("redoubt-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = compare(report, &folder).and_then(|()| alone(report));
    fs::remove_dir_all(&folder)?;
    measured?;
    memory(report)
}

fn compare(report: &mut Report, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut python = Python::start()?;
    let mut masker = Masker::new();
    masker.set_secret(MasterSecret::parse(&format!(r#"{{"keys":[{{"id":1,"secret":"{SECRET}"}}]}}"#))?);
    let mut lines = Vec::new();
    let mut worst: Vec<(&str, f64, f64)> = Vec::new();
    let mut largest = 0;
    for case in cases() {
        let (request, rows) = request(case.function, &case.arguments, |row| case.values.value(row));
        let path = folder.join("request.json");
        let reply_path = folder.join("reply.json");
        fs::write(&path, &request)?;
        let package = python.load(&path, SECRET)?;
        let (mut theirs, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let their_time = python.answer(&reply_path)?;
            let begin = processor_time();
            let reply =
                Payload::parse(&request)?.check().and_then(|request| masker.answer(&request, &BTreeSet::new()))?;
            let our_time = processor_time() - begin;
            if case.same && fs::read_to_string(&reply_path)? != reply {
                return Err(format!("{}: Python's reply is another", case.name).into());
            }
            largest = largest.max(serde_json::to_string(&reply)?.len());
            theirs.push(per_second(rows, their_time));
            ours.push(per_second(rows, our_time));
            ratios.push(their_time.as_secs_f64() / our_time.as_secs_f64());
        }
        let ratio = median(&ratios).unwrap_or_default();
        let family = case.name.split(',').next().unwrap_or_default();
        match (worst.iter_mut().find(|(name, ..)| *name == family), case.target) {
            (Some((_, least, _)), _) => *least = least.min(ratio),
            (None, Some(target)) => worst.push((family, ratio, target)),
            (None, None) => {}
        }
        lines.push(vec![
            case.name.to_owned(),
            case.values.name().to_owned(),
            grouped(rows),
            package.unwrap_or_else(|| if case.function == "mask_regex" { "re" } else { "cryptography" }.to_owned()),
            thousands(median(&theirs).unwrap_or_default()),
            thousands(median(&ours).unwrap_or_default()),
            format!("{ratio:.1}"),
        ]);
    }
    report
        .table(&["mask", "values", "rows", "Python package", "Python, rows/s", "Redoubt, rows/s", "ratio"], &lines)?;
    for (family, ratio, target) in worst {
        report.target(
            ratio >= target,
            &format!("{family} against Python, the worst of the above"),
            &format!("{ratio:.1} times as fast"),
            &format!("at least {target:.0} times"),
        )?;
    }
    report.target(
        largest < TARGET_REPLY,
        "largest reply to these requests, as Lambda carries it",
        &format!("{} bytes", grouped(largest)),
        &format!("less than {} bytes", grouped(TARGET_REPLY)),
    )?;
    Ok(())
}

/// FF1 without requests around it: from a text to a text.
fn alone(report: &mut Report) -> Result<(), Box<dyn Error>> {
    let mut mask = TextMask::new(&[7; KEY_BYTES], DIGITS)?;
    let values: Vec<_> = (0..200_000).map(|row| Values::Digits16.value(row)).collect();
    let mut rates = Vec::new();
    let mut out = String::new();
    for _ in 0..ROUNDS {
        let begin = processor_time();
        for value in &values {
            out.clear();
            mask.mask(value, &mut out)?.ok_or("16 digits gave null")?;
        }
        rates.push(per_second(values.len(), processor_time() - begin));
    }
    let rate = median(&rates).unwrap_or_default();
    report.target(
        rate >= TARGET_FF1,
        "FF1 alone, AES-256, 16 digits",
        &format!("{} values/s", thousands(rate)),
        &format!("at least {} values/s", thousands(TARGET_FF1)),
    )?;
    Ok(())
}

/// The release binary's memory, from its start to the reply, for the requests that take the most of it.
fn memory(report: &mut Report) -> Result<(), Box<dyn Error>> {
    let binary = beside("mask")?;
    let mut lines = Vec::new();
    let mut largest = 0;
    let kinds = [
        ("AES-SIV, 30 characters", request("mask_reversible", &COLUMN, |row| Values::Characters30.value(row))),
        ("regex, empty values", request("mask_regex", &["a", "b", ""], |_| String::new())),
        ("regex, other arguments in each row", request_of("mask_regex", |row| format!(r#"["","{}","",""]"#, row % 2))),
        ("null rows", request_of("mask_regex", |_| "null".to_owned())),
    ];
    for (name, (request, rows)) in kinds {
        let lambda = Lambda::start(&binary, SECRET)?;
        let mut took = Duration::MAX;
        // The second time, what is kept between requests is there already.
        for _ in 0..2 {
            took = took.min(lambda.invoke(&request, rows)?);
        }
        let peak = lambda.peak_memory()?;
        largest = largest.max(peak);
        lines.push(vec![
            name.to_owned(),
            grouped(rows),
            format!("{:.0}", took.as_secs_f64() * 1e3),
            format!("{:.0}", peak as f64 / 1e6),
        ]);
    }
    report.line("  The release binary `mask`, behind a stand-in for Lambda's runtime interface")?;
    report.table(&["request of 5 MB", "rows", "round trip, ms", "peak memory of the process, MB"], &lines)?;
    report.target(
        largest < TARGET_MEMORY,
        "peak memory (VmHWM) of the mask function",
        &format!("{:.0} MB", largest as f64 / 1e6),
        &format!("less than {} MB", TARGET_MEMORY / 1_000_000),
    )?;
    Ok(())
}

/// A request of nearly 5 MB whose rows differ in their values, and how many rows it has.
fn request(function: &str, arguments: &[&str], value: impl Fn(u64) -> String) -> (Vec<u8>, usize) {
    let arguments: String = arguments.iter().fold(String::new(), |mut text, argument| {
        // Writing to a text does not fail.
        let _ = write!(text, ",{}", serde_json::Value::from(*argument));
        text
    });
    request_of(function, |row| format!("[{}{arguments}]", serde_json::Value::from(value(row))))
}

/// A request of nearly 5 MB, row by row as JSON.
fn request_of(function: &str, row: impl Fn(u64) -> String) -> (Vec<u8>, usize) {
    let mut text = format!(
        r#"{{"request_id":"5b2c4f0e-8a7d-4c1b-9d53-1f0e6a7b8c9d","cluster":"arn:aws:redshift:eu-central-1:123456789012:cluster:bench","user":"ann","database":"immuta","external_function":"immuta_functions.{function}","query_id":5678234,"arguments":["#
    );
    let mut rows = 0;
    loop {
        let row = row(rows);
        if text.len() + row.len() + 100 > REQUEST_BYTES {
            break;
        }
        if rows > 0 {
            text.push(',');
        }
        text.push_str(&row);
        rows += 1;
    }
    text.push_str(&format!(r#"],"num_records":{rows}}}"#));
    (text.into_bytes(), usize::try_from(rows).unwrap_or(usize::MAX))
}

/// A binary that was built with this one.
fn beside(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let own = env::current_exe()?;
    let binary = own.parent().ok_or("this binary lies in no folder")?.join(name);
    if binary.is_file() {
        Ok(binary)
    } else {
        Err(format!("`{}` is missing; `make bench` builds it", binary.display()).into())
    }
}

/// The time that this thread had a processor: what else the machine does must not matter.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn per_second(rows: usize, time: Duration) -> f64 {
    rows as f64 / time.as_secs_f64()
}

fn thousands(rate: f64) -> String {
    grouped(rate.round() as usize)
}
