//! See the library.

fn main() -> std::process::ExitCode {
    model::runner::main(&gors_runtime::models())
}
