"""What is kept of a track stays small and evenly spread, joined or not."""

from data.faces.collected_track import MAX_SIGHTINGS, CollectedTrack, Sighting, Thinned

BOX = (0.0, 0.0, 9.0, 9.0)


def series(limit, numbers):
    thinned = Thinned(limit)
    for number in numbers:
        thinned.add(number)
    return thinned


def test_merged_series_are_sorted_and_as_thin_as_the_thinnest():
    merged = Thinned.merged([series(8, range(100, 164)), series(8, range(16))], lambda n: n)
    assert merged == [0, 8, *range(100, 164, 8)][:: merged._stride // 8]
    assert merged.seen == 80
    assert len(merged) <= 8


def test_joined_tracks_are_one_by_time_with_all_counts():
    def track(number, start, count):
        track = CollectedTrack.begun(number, Sighting(start, start / 8, BOX), None)
        for frame in range(start, start + count):
            track.see(Sighting(frame, frame / 8, BOX), None)
        track.usable_count, track.salience, track.face_size = count, 9.0 * count, 9.0 + number
        track.seen_with = {number + 10}
        return track

    joined = CollectedTrack.joined([track(0, 50, 40), track(1, 0, 40)])
    assert (joined.first.frame, joined.last.frame) == (0, 89)
    assert (joined.usable_count, joined.salience, joined.face_size) == (80, 720.0, 10.0)
    assert (joined.numbers, joined.seen_with) == ({0, 1}, {10, 11})
    assert joined.sightings.seen == 80
    assert len(joined.sightings) <= MAX_SIGHTINGS
    frames = [seen.frame for seen in joined.sightings]
    assert frames == sorted(frames)
