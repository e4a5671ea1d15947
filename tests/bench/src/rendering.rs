//! How long it takes from policies and a data source to the statement that puts its view in force, and how that grows.
//!
//! All on one core. Configurations are measured in turn, round after round, so that whatever else the machine does falls on
//! all of them. What is printed is the mean over the data sources of each one's median over the rounds.

use std::{
    error::Error,
    hint::black_box,
    time::{Duration, Instant},
};

use redoubt_core::{
    model::{DataSource, Names},
    plan,
    render::view::{self, Application, Place, Revision},
    resolve::{PolicySet, ProjectSet},
    sql::Ident,
};

use crate::{
    generate::{Shape, World},
    report::{Report, grouped, median},
};

/// Microseconds one data source may take.
const TARGET_MICROS: f64 = 100.0;
/// What a unit of work may cost more than in proportion before growth counts as worse than linear.
const TOLERANCE: f64 = 1.5;
const ROUNDS: usize = 7;

/// Measures rendering.
///
/// # Errors
/// When generated documents have a fault, a view can't be planned, or the output can't be written.
pub fn run(report: &mut Report) -> Result<(), Box<dyn Error>> {
    report.heading("Rendering: resolve, plan, print and wrap in the call that applies it, on one core")?;

    let main = Shape::new(10_000, 30, 500);
    let mut sources = [1_000, 5_000].map(|sources| Shape { sources, ..main }).to_vec();
    sources.push(main);
    let cases = measure(&sources)?;
    print(report, "More data sources (500 policies, 30 columns)", "data sources", &cases)?;
    if let (Some(small), Some(large)) = (cases.first(), cases.last()) {
        let times = large.total() / small.total();
        report.target(
            large.total() < TARGET_MICROS,
            "time per data source, 10,000 of 30 columns under 500 policies",
            &format!("{:.1} µs", large.total()),
            &format!("under {TARGET_MICROS} µs"),
        )?;
        report.target(
            times < TOLERANCE,
            "time per data source, 10,000 against 1,000 data sources",
            &format!("{times:.2} times"),
            &format!("under {TOLERANCE} times"),
        )?;
    }

    let policies = [50, 500, 5_000].map(|policies| Shape::new(1_000, 30, policies));
    let cases = measure(&policies)?;
    print(
        report,
        "More policies, of which as many as before apply to each (1,000 data sources, 30 columns)",
        "policies",
        &cases,
    )?;
    if let (Some(small), Some(large)) = (cases.get(1), cases.get(2)) {
        let times = large.resolve / small.resolve;
        report.target(
            times < TOLERANCE,
            "time to resolve a data source, 5,000 against 500 policies of which as many apply",
            &format!("{times:.2} times"),
            &format!("under {TOLERANCE} times"),
        )?;
    }

    let areas = main.areas;
    let policies = [50, 500, 5_000].map(|policies| Shape::new(1_000, 30, policies).in_areas(areas));
    let cases = measure(&policies)?;
    print(
        report,
        "More policies about the same tags, so that more apply to each (1,000 data sources, 30 columns)",
        "policies",
        &cases,
    )?;
    if let (Some(small), Some(large)) = (cases.get(1), cases.get(2)) {
        let times = (large.total() / small.total()) / (large.applied / small.applied);
        report.target(
            times < TOLERANCE,
            "time per policy that applies, 5,000 against 500 policies",
            &format!("{times:.2} times"),
            &format!("under {TOLERANCE} times"),
        )?;
    }

    let columns = [10, 30, 100].map(|columns| Shape::new(1_000, columns, 500));
    let cases = measure(&columns)?;
    print(report, "More columns (1,000 data sources, 500 policies)", "columns", &cases)?;
    if let (Some(small), Some(large)) = (cases.get(1), cases.get(2)) {
        let times = (large.total() / small.total()) / (100.0 / 30.0);
        report.target(
            times < TOLERANCE,
            "time per column, 100 against 30 columns",
            &format!("{times:.2} times"),
            &format!("under {TOLERANCE} times"),
        )?;
    }
    Ok(())
}

/// One configuration and what was measured: microseconds per data source, medians over the rounds.
struct Case {
    shape: Shape,
    /// Policies in force per data source.
    applied: f64,
    /// Masked columns per data source.
    masked: f64,
    /// Bytes of a view's definition.
    bytes: f64,
    /// Milliseconds to index all policies, once per batch.
    index: f64,
    resolve: f64,
    plan: f64,
    print: f64,
    wrap: f64,
}

impl Case {
    fn total(&self) -> f64 {
        self.resolve + self.plan + self.print + self.wrap
    }
}

/// What one data source took.
#[derive(Debug, Clone, Copy)]
struct Parts {
    resolve: Duration,
    plan: Duration,
    print: Duration,
    wrap: Duration,
}

/// What one pass over all data sources took.
#[derive(Debug)]
struct Pass {
    index: Duration,
    sources: Vec<Parts>,
}

struct Prepared {
    shape: Shape,
    sources: Vec<DataSource>,
    policies: Vec<redoubt_core::model::Policy>,
    passes: Vec<Pass>,
    applied: usize,
    masked: usize,
    bytes: usize,
}

fn measure(shapes: &[Shape]) -> Result<Vec<Case>, Box<dyn Error>> {
    let mut prepared = Vec::new();
    for &shape in shapes {
        let world = World::new(shape);
        prepared.push(Prepared {
            shape,
            sources: world.checked_sources()?,
            policies: world.checked_policies()?,
            passes: Vec::new(),
            applied: 0,
            masked: 0,
            bytes: 0,
        });
    }
    let names = Names::check("immuta").map_err(redoubt_core::event::Faults::from)?;
    let (database, schema) = (Ident::new("immuta")?, Ident::new("governed")?);
    // The first round warms up and counts; it is not measured.
    for round in 0..=ROUNDS {
        for case in &mut prepared {
            let pass = pass(case, &names, &database, &schema, round == 0)?;
            if round > 0 {
                case.passes.push(pass);
            }
        }
    }
    Ok(prepared.iter().map(summary).collect())
}

fn pass(
    case: &mut Prepared,
    names: &Names,
    database: &Ident,
    schema: &Ident,
    count: bool,
) -> Result<Pass, Box<dyn Error>> {
    let policies = case.policies.clone();
    let start = Instant::now();
    let set = PolicySet::new(policies);
    let projects = ProjectSet::default();
    let mut pass = Pass { index: start.elapsed(), sources: Vec::with_capacity(case.sources.len()) };
    for source in &case.sources {
        let start = Instant::now();
        let resolution = black_box(set.resolve(black_box(source)));
        let resolved = Instant::now();
        let plan = black_box(plan::build(source, &resolution, &projects)?);
        let planned = Instant::now();
        let place = Place { names, database, schema, view: &source.view };
        let view = black_box(view::view(&plan, &place));
        let printed = Instant::now();
        let revision = Revision { source: &source.id, revision: 7, claim: 1 };
        let application = black_box(view::apply(&view, &place, revision));
        let wrapped = Instant::now();
        pass.sources.push(Parts {
            resolve: resolved - start,
            plan: planned - resolved,
            print: printed - planned,
            wrap: wrapped - printed,
        });
        if count {
            let masks = resolution.masks.values();
            let mut ages: Vec<_> = masks
                .flat_map(|mask| std::iter::once(&mask.winner).chain(&mask.losers))
                .map(|candidate| candidate.policy.id.as_str())
                .chain(resolution.rows.iter().map(|rows| rows.policy.id.as_str()))
                .chain(resolution.subscriptions.iter().map(|level| level.policy.id.as_str()))
                .collect();
            ages.sort_unstable();
            ages.dedup();
            case.applied += ages.len();
            case.masked += resolution.masks.len();
            case.bytes += view.definition.len();
            if let Application::Guarded(_) = application {
                return Err(format!("the view of `{}` does not fit a procedure's argument", source.id).into());
            }
        }
    }
    Ok(pass)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^53")]
fn summary(case: &Prepared) -> Case {
    let sources = case.sources.len() as f64;
    let mean = |part: fn(&Parts) -> Duration| {
        let middle = |source: usize| {
            let times: Vec<_> = case.passes.iter().filter_map(|pass| pass.sources.get(source).map(part)).collect();
            median(&times).unwrap_or_default().as_secs_f64()
        };
        (0..case.sources.len()).map(middle).sum::<f64>() * 1e6 / sources
    };
    let index: Vec<_> = case.passes.iter().map(|pass| pass.index).collect();
    Case {
        shape: case.shape,
        applied: case.applied as f64 / sources,
        masked: case.masked as f64 / sources,
        bytes: case.bytes as f64 / sources,
        index: median(&index).unwrap_or_default().as_secs_f64() * 1e3,
        resolve: mean(|parts| parts.resolve),
        plan: mean(|parts| parts.plan),
        print: mean(|parts| parts.print),
        wrap: mean(|parts| parts.wrap),
    }
}

fn print(report: &Report, title: &str, unit: &str, cases: &[Case]) -> Result<(), Box<dyn Error>> {
    report.line(&format!("  {title}"))?;
    let first = cases.first().map_or(1.0, Case::total);
    let rows: Vec<_> = cases
        .iter()
        .map(|case| {
            let count = match unit {
                "policies" => case.shape.policies,
                "columns" => case.shape.columns,
                _ => case.shape.sources,
            };
            vec![
                grouped(count),
                format!("{:.1}", case.applied),
                format!("{:.1}", case.masked),
                format!("{:.0}", case.bytes),
                format!("{:.2}", case.index),
                format!("{:.1}", case.resolve),
                format!("{:.1}", case.plan),
                format!("{:.1}", case.print),
                format!("{:.1}", case.wrap),
                format!("{:.1}", case.total()),
                format!("{:.2}", case.total() / first),
            ]
        })
        .collect();
    report.table(
        &[
            unit,
            "policies in force on each",
            "masked columns",
            "bytes of view",
            "index, ms",
            "resolve, µs",
            "plan, µs",
            "print, µs",
            "wrap, µs",
            "total, µs",
            "times",
        ],
        &rows,
    )?;
    Ok(())
}
