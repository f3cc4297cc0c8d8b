//! Ports of the host that services publish, and what already uses them.

use std::net::{IpAddr, Ipv4Addr};

use super::Environment;
use crate::model::service::Service;
use crate::spec::service::Protocol;

/// A port that a service publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The service.
    pub service: String,
    /// The port's name in the spec.
    pub name: String,
    /// The address that it binds to.
    pub address: IpAddr,
    /// Its number.
    pub number: u16,
    /// Whether it is UDP.
    pub udp: bool,
}

/// The ports that services publish, without ranges from which Compose chooses.
pub fn wanted(services: &[&Service], environment: &Environment) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for service in services {
        for port in service.ports.iter() {
            let Some(published) = &port.published else { continue };
            let number = published.port.as_ref().and_then(|port| environment.expand(port));
            let Some(number) = number.and_then(|number| number.parse().ok()) else { continue };
            let host = environment.expand(&published.host_ip).unwrap_or_default();
            let address = match host.trim_matches(['[', ']']) {
                "" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
                host => match host.parse() {
                    Ok(address) => address,
                    Err(_) => continue,
                },
            };
            // Zero means any port.
            if number != 0 {
                let udp = port.protocol == Protocol::Udp;
                let (service, name) = (service.name.clone(), port.name.clone());
                wanted.push(Wanted { service, name, address, number, udp });
            }
        }
    }
    wanted
}

/// The inodes of the sockets that listen on a port, in `/proc/net/tcp` or `/proc/net/tcp6`.
pub fn listeners(table: &str, port: u16) -> impl Iterator<Item = &str> {
    // `sl local_address rem_address st … inode`; the state 0A is LISTEN (proc_pid_net(5)).
    table.lines().skip(1).filter_map(move |line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (_, local) = fields.next()?.rsplit_once(':')?;
        let listens = fields.nth(1)? == "0A" && u16::from_str_radix(local, 16) == Ok(port);
        let inode = fields.nth(5)?;
        listens.then_some(inode)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0000000000000000 100
   1: 0100007F:1F90 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000  1000        0 4343 1 0000000000000000 20
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17 1 0000000000000000 100
";
        assert_eq!(listeners(table, 8080).collect::<Vec<_>>(), ["4242"]);
        assert_eq!(listeners(table, 22).collect::<Vec<_>>(), ["17"]);
        assert_eq!(listeners(table, 23).count(), 0);
        assert_eq!(listeners("", 22).count(), 0);
    }
}
