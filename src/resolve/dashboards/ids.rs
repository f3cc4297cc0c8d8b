//! Ids of panels: derived from their names, so that adding, removing or moving a panel changes no other ID.

use std::collections::HashSet;

/// The ids of a dashboard.
#[derive(Debug, Default)]
pub struct Ids {
    taken: HashSet<u32>,
}

impl Ids {
    /// Below this all ids are exact in every program and short enough to read.
    const MOST: u64 = 1_000_000_000;

    /// Takes an id that the spec gives; whether it was free.
    pub fn take(&mut self, id: u32) -> bool {
        self.taken.insert(id)
    }

    /// The ID of a name. Two names collide with a probability of one in a billion; then the later one gets the next
    /// free ID.
    pub fn derive(&mut self, name: &str) -> u32 {
        // FNV-1a with 64 bits, folded.
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut id = u32::try_from((hash ^ (hash >> 32)) % (Self::MOST - 1)).unwrap_or_default() + 1;
        while !self.taken.insert(id) {
            id += 1;
        }
        id
    }
}

/// The name of a query by its place: A, B, …, Z, AA, … (`getNextRefId` of Grafana's packages).
pub fn reference(mut place: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + u8::try_from(place % 26).unwrap_or_default()));
        if place < 26 {
            break;
        }
        place = place / 26 - 1;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_goes_by_the_name_alone() {
        let mut ids = Ids::default();
        let first = ids.derive("Requests");
        let mut others = Ids::default();
        others.derive("Errors");
        assert_eq!(others.derive("Requests"), first);
        assert_eq!(others.derive("Requests"), first + 1);
        assert!(!others.take(first));
    }

    #[test]
    fn references() {
        assert_eq!(
            [0, 1, 25, 26, 27, 51, 52, 701, 702].map(reference),
            ["A", "B", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA"]
        );
    }
}
