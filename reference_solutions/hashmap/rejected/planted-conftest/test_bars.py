def test_hit_lookup():
    assert True
