//! Certhold: one program, a server and its command line.

mod archive;
mod cli;
mod command;
mod config;
mod data_dir;
mod duration;
mod failure;
mod import;
mod logging;
mod master_key;
mod new_file;
mod opening;
mod output;
mod secrets;
mod serve;
mod target;

fn main() -> std::process::ExitCode {
    cli::run()
}
