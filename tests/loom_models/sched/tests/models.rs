//! See the library.

fn main() -> std::process::ExitCode {
    model::runner::main(&model_sched::models())
}
