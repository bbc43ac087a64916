//! No test file is forgotten: every module in this folder is declared.

#[test]
fn every_file_is_a_module_of_main() {
    let folder = crate::support::project::root().join("tests");
    let main = std::fs::read_to_string(folder.join("main.rs")).expect("it is there");
    for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
        let name = entry.expect("the entry can be read").file_name();
        let name = name.to_string_lossy();
        if let Some(module) = name.strip_suffix(".rs")
            && module != "main"
        {
            assert!(
                main.contains(&format!("mod {module};")),
                "{name} is not in main.rs"
            );
        }
    }
}
