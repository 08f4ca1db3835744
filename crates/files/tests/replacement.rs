//! A file takes the place of another when it is whole, and not before.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use tempfile::TempDir;
use tokenmill_files::Replacement;

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("it is there");
    entries.map(|entry| entry.expect("it can be read").file_name().into_string().expect("it is UTF-8")).collect()
}

#[test]
fn the_old_file_is_there_until_the_new_one_is_whole() {
    let folder = TempDir::new().expect("there is room");
    let path = folder.path().join("table");
    fs::write(&path, "old").expect("there is room");
    let mut new = Replacement::of(&path).expect("there is room");
    new.file().write_all(b"new").expect("there is room");
    assert_eq!((fs::read(&path).expect("it is there"), names(&folder).len()), (b"old".to_vec(), 2));
    new.finish().expect("there is room");
    assert_eq!((fs::read(&path).expect("it is there"), names(&folder)), (b"new".to_vec(), vec!["table".to_owned()]));
}

#[test]
fn one_that_is_not_finished_leaves_nothing() {
    let folder = TempDir::new().expect("there is room");
    let mut new = Replacement::of(&folder.path().join("table")).expect("there is room");
    new.file().write_all(b"new").expect("there is room");
    drop(new);
    assert_eq!(names(&folder), Vec::<String>::new());
}

#[test]
fn what_a_killed_process_of_the_same_number_has_left_is_in_nobodys_way() {
    let folder = TempDir::new().expect("there is room");
    for count in 0..100 {
        let left = format!(".table.{}-{count}.tmp", std::process::id());
        fs::write(folder.path().join(left), "left").expect("there is room");
    }
    let path = folder.path().join("table");
    let mut new = Replacement::of(&path).expect("there is room");
    new.file().write_all(b"new").expect("there is room");
    new.finish().expect("there is room");
    assert_eq!((fs::read(&path).expect("it is there"), names(&folder).len()), (b"new".to_vec(), 101));
}

#[test]
fn a_path_without_a_name_or_a_folder_is_an_error() {
    assert_eq!(Replacement::of(Path::new("..")).expect_err("no name").kind(), ErrorKind::InvalidInput);
    let folder = TempDir::new().expect("there is room");
    let nowhere = folder.path().join("nowhere/table");
    assert_eq!(Replacement::of(&nowhere).expect_err("no folder").kind(), ErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn the_mode_is_that_of_the_old_file_or_of_any_new_one() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().expect("there is room");
    let [path, other] = ["table", "other"].map(|name| folder.path().join(name));
    fs::write(&other, "").expect("there is room");
    let replace = || Replacement::of(&path).and_then(Replacement::finish).expect("there is room");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode();
    replace();
    assert_eq!(mode(&path), mode(&other));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
    replace();
    assert_eq!(mode(&path) & 0o777, 0o640);
}

#[cfg(unix)]
#[test]
fn a_link_stays_and_what_it_means_is_replaced() {
    use std::os::unix::fs::symlink;

    let folder = TempDir::new().expect("there is room");
    fs::create_dir(folder.path().join("there")).expect("there is room");
    let path = folder.path().join("link");
    symlink("there/table", &path).expect("there is room");
    for text in ["first", "second"] {
        let mut new = Replacement::of(&path).expect("there is room");
        new.file().write_all(text.as_bytes()).expect("there is room");
        new.finish().expect("there is room");
        assert!(path.is_symlink());
        assert_eq!(fs::read_to_string(folder.path().join("there/table")).expect("it is there"), text);
    }
    let circle = folder.path().join("circle");
    symlink("circle", &circle).expect("there is room");
    assert!(Replacement::of(&circle).is_err());
    for other in [Path::new("/dev/null"), folder.path()] {
        assert_eq!(Replacement::of(other).expect_err("no file").kind(), ErrorKind::InvalidInput);
    }
}
