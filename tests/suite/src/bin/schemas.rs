//! Writes the JSON Schemas of `events/`, made from the wire types.

use std::path::Path;
use std::{fs, io};

use redoubt_core::event::schema;

fn main() -> io::Result<()> {
    let events = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events"));
    for (name, schema) in schema::files() {
        let mut text = serde_json::to_string_pretty(&schema)?;
        text.push('\n');
        fs::write(events.join(name), text)?;
    }
    Ok(())
}
