//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    virt_guard::cli::run(std::env::args_os())
}
