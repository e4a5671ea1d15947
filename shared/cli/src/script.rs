//! `redoubt script`: the steps of a setup, a change or a removal as SQL for an administrator.

use redoubt_core::render::install::{self, script};

use crate::{
    arguments::{files, take_option},
    document::integration,
    failure::Failure,
};

/// Runs the command.
pub fn run(arguments: &[&str], out: &mut Vec<u8>) -> Result<(), Failure> {
    let script = match arguments {
        ["setup", rest @ ..] => {
            let [file] = files(rest, "`script setup FILE`")?;
            script::setup(&integration(file)?)?
        }
        ["change", rest @ ..] => {
            let [old, new] = files(rest, "`script change OLD NEW`")?;
            let (before, after) = (integration(old)?, integration(new)?);
            if let Some(why) = install::change(&before, &after).refused {
                return Err(Failure::Refused(why));
            }
            script::change(&before, &after)?
        }
        ["remove", rest @ ..] => {
            let (rest, keep_profiles) = take_option(rest, "--keep-profiles");
            let [file] = files(&rest, "`script remove FILE [--keep-profiles]`")?;
            script::remove(&integration(file)?, keep_profiles)?
        }
        _ => return Err(Failure::usage("`script setup`, `script change` or `script remove`", arguments)),
    };
    out.extend_from_slice(script.as_bytes());
    Ok(())
}
