// A server inside another program: everything `adsum serve` does, without its command line.
//
//   cargo run --example server -- ./adsum-data example.com

#![expect(clippy::print_stdout, missing_docs, reason = "an example shows what it does")]

use std::net::SocketAddr;

use adsum::server::{ServerConfig, start};

#[tokio::main]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let data = arguments.next().ok_or("say in which folder the store is")?;
    let domain = arguments.next().unwrap_or("localhost".to_owned()).parse()?;
    let listen: SocketAddr = "[::]:2778".parse()?;

    // Whoever comes first may take a name: for trying out. Without it, `Server::first_invite` makes the administrator.
    let config =
        ServerConfig { open_enrollment: true, ..ServerConfig::new(data, listen, vec![domain]) };

    let server = start(config).await?;
    println!("serving at {} (UDP)", server.local_addr());
    tokio::select! {
        // Whoever asked was promised durability: when the disk ends that, so must the process. The next start replays.
        failure = server.failed() => return Err(failure.into()),
        _ = tokio::signal::ctrl_c() => {}
    }
    // Clients are told when to come back, and what is on its way arrives.
    server.shutdown().await?;
    Ok(())
}
