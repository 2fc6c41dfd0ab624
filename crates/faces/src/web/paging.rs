//! Pages that follow a key, and the way back: lists only know what comes after a row, so the links remember where the reader
//! came from.

use super::view::address::Address;
use super::view::table::Pager;

/// Rows of one page.
pub const ROWS: usize = 50;
/// Pages that the way back remembers; from further on it leads to the first page.
const REMEMBERED: usize = 40;
/// Bytes of their cursors in an address: proxies take 8 KiB of it.
const TRAIL_BYTES: usize = 4_000;

/// Where in a list the reader is: the cursor of this page, and those of the pages before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The cursor that this page begins after; `None` for the first page.
    pub after: Option<String>,
    /// The cursors of the pages before, the first one left out.
    trail: Vec<String>,
}

impl Place {
    /// From the parameters `after` and `trail`.
    pub fn of(after: Option<String>, trail: Option<&str>) -> Self {
        let trail = trail.unwrap_or("").split('.').filter(|cursor| !cursor.is_empty()).take(REMEMBERED);
        Self { after: after.filter(|cursor| !cursor.is_empty()), trail: trail.map(str::to_owned).collect() }
    }

    /// The links to the neighbouring pages of the list at `address`, which holds no cursor.
    pub fn pager(&self, address: &Address, next: Option<String>, shown: usize, total: Option<i64>) -> Pager {
        let page =
            |after: &str, trail: &[String]| address.clone().with("after", after).with("trail", trail.join(".")).to_string();
        let previous = self.after.as_ref().map(|_| match self.trail.split_last() {
            Some((last, before)) => page(last, before),
            None => address.to_string(),
        });
        let next = next.map(|cursor| {
            let mut trail = self.trail.clone();
            trail.extend(self.after.clone());
            let mut room = TRAIL_BYTES;
            let fits = |before: &&String| {
                let fits = before.len() < room;
                room = room.saturating_sub(before.len() + 1);
                fits
            };
            let kept = trail.iter().rev().take(REMEMBERED).take_while(fits).count();
            page(&cursor, &trail[trail.len() - kept..])
        });
        Pager { previous, next, shown: i64::try_from(shown).unwrap_or(i64::MAX), total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_the_way_that_was_taken() {
        let list = Address::new("/managed").with("filter", "trouble");
        let first = Place::of(None, None).pager(&list, Some("50".into()), 50, None);
        assert_eq!((first.previous, first.next.as_deref()), (None, Some("/managed?filter=trouble&after=50")));
        let second = Place::of(Some("50".into()), None).pager(&list, Some("90".into()), 50, None);
        assert_eq!(second.previous.as_deref(), Some("/managed?filter=trouble"));
        assert_eq!(second.next.as_deref(), Some("/managed?filter=trouble&after=90&trail=50"));
        let third = Place::of(Some("90".into()), Some("50")).pager(&list, None, 7, None);
        assert_eq!((third.previous.as_deref(), third.next), (Some("/managed?filter=trouble&after=50"), None));
    }

    #[test]
    fn the_trail_does_not_grow_for_ever() {
        let mut place = Place::default();
        for page in 1..=100 {
            let next = place.pager(&Address::new("/x"), Some(page.to_string()), 1, None).next.expect("there is a next page");
            let trail = next.split_once("trail=").map(|(_, trail)| trail.to_owned());
            place = Place::of(Some(page.to_string()), trail.as_deref());
        }
        assert_eq!(place.trail.len(), REMEMBERED);
        assert_eq!(place.trail.last().map(String::as_str), Some("99"));
    }

    #[test]
    fn long_cursors_leave_an_address_that_proxies_take() {
        let long = |page: u8| char::from(b'a' + page).to_string().repeat(900);
        let mut place = Place::default();
        for page in 0..9 {
            let next = place.pager(&Address::new("/x"), Some(long(page)), 1, None).next.expect("there is a next page");
            assert!(next.len() < 5_000, "{}", next.len());
            let trail = next.split_once("trail=").map(|(_, trail)| trail.to_owned());
            place = Place::of(Some(long(page)), trail.as_deref());
        }
        assert_eq!(place.trail, [4, 5, 6, 7].map(long), "the nearest of them");
    }
}
