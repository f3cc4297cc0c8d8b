//! Numbers that look random and are the same for the same seed: `SplitMix64` (G. Steele, D. Lea, C. Flood, "Fast splittable
//! pseudorandom number generators", 2014).

/// A source of choices.
pub struct Random(u64);

impl Random {
    /// The choices of one case: the cases of a seed have nothing in common, so each can be made again by itself.
    pub fn new(seed: &str, target: &str, case: u64) -> Self {
        let bytes = seed.bytes().chain([0]).chain(target.bytes()).chain(case.to_le_bytes());
        // FNV-1a.
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, or 0.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap()
    }

    /// True once in `number` times.
    pub fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    /// One of a list that isn't empty.
    pub fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }

    /// A number from 1, each half as likely as the one before.
    pub fn few(&mut self, most: usize) -> usize {
        (1..most).find(|_| self.one_in(2)).unwrap_or(most)
    }
}
