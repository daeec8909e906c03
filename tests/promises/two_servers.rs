//! Two servers never share a folder or a port: the second says so and leaves the first alone.
//!
//! Must never hold: a server that is not stopped.

use crate::support::child::{Process, free_port, second_on};
use crate::support::peer::Session;
use crate::support::server::{Running, start_at};
use adsum::log::LogFault;
use adsum::server::ServerError;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_a_folder_is_told_who_has_it() {
    let first = Running::start().await;
    let fault = second_on(first.data.path()).await;
    assert!(matches!(fault, ServerError::Log(LogFault::Locked { .. })), "{fault}");
    let words = fault.to_string();
    let folder = first.data.path().display().to_string();
    assert!(words.contains(&folder) && words.contains("in use by another"), "{words}");
    Session::enter(first.address(), "alice").await.publish("still here").await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_a_folder_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Process::start(folder.path());
    let fault = second_on(folder.path()).await;
    assert!(matches!(fault, ServerError::Log(LogFault::Locked { .. })), "{fault}");
    Session::enter(first.address, "alice").await.publish("still here").await;
    first.kill();
    let second = start_at(folder.path(), first.address).await.unwrap();
    Session::enter(second.local_addr(), "alice").await.publish("here again").await;
    second.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_a_port_is_told_the_port() {
    let first = Running::start().await;
    let folder = tempfile::tempdir().unwrap();
    let Err(fault) = start_at(folder.path(), first.address()).await else {
        panic!("two servers share a port")
    };
    let words = fault.to_string();
    assert!(words.contains(&first.address().to_string()), "{words}");
    // The folder of the second is free again at once.
    let second = start_at(folder.path(), free_port()).await.unwrap();
    Session::enter(first.address(), "alice").await.publish("still here").await;
    second.shutdown().await.unwrap();
    first.stop().await;
}
