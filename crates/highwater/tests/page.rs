//! The HTML report in a real browser: no script error, no request to anywhere.
//!
//! The page forbids itself every request by its content security policy; a breach is a console error, so the
//! console alone tells. The browser's own requests are not the page's.

mod support;

use std::fs;
use std::process::Command;

use support::run;
use tempfile::TempDir;

#[test]
fn the_page_opens_without_errors_and_without_the_network() {
    let ran = run(&[
        "broker-restart/sigkill",
        "--set",
        "load.duration=5s",
        "--set",
        "fault.after=2s",
        "--set",
        "warm_up.limit=1s",
    ]);
    let page = ran.directory.path().join("report.html");
    let text = fs::read_to_string(&page).expect("the page is there");
    assert!(text.len() < 2 << 20, "{} bytes", text.len());
    let profile = TempDir::new().expect("a temporary directory");
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
        ])
        .args([
            "--disable-component-update",
            "--disable-sync",
            "--disable-quic",
            "--enable-logging=stderr",
            "--v=0",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("chromium is installed (./test installs it)");
    let errors = String::from_utf8_lossy(&output.stderr);
    let console: Vec<&str> = errors.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "{console:?}");
    assert!(
        text.contains("default-src 'none'"),
        "the page has a policy that forbids requests"
    );
    let dom = String::from_utf8_lossy(&output.stdout);
    assert!(
        dom.contains("<svg") && dom.contains("HOLDS"),
        "{} bytes of page",
        dom.len()
    );
    assert!(
        !text.contains("http://")
            || text.matches("http://").count() == text.matches("http://www.w3.org/").count(),
        "the page names an address"
    );
    assert!(
        !text.contains("https://") && !text.contains("<link"),
        "the page names an address"
    );
}
