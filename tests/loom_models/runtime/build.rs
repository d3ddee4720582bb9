//! The sources take loom's atomics under this name; see the runtime's `shim.rs`.

fn main() {
    println!("cargo:rustc-check-cfg=cfg(gors_loom, gors_tsan)");
    println!("cargo:rustc-cfg=gors_loom");
    println!("cargo:rerun-if-changed=build.rs");
}
