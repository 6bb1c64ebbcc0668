from pyscap.filterlang.services import WELL_KNOWN, port_names


def named(path):
    return {(port, udp): name for port, udp, name in port_names(path)}


def test_the_database_has_the_first_word(tmp_path):
    database = tmp_path / "services"
    database.write_text("# comment\nweb\t80/tcp www # x\nweb2 80/tcp\ndns 53/udp\nbig 99999/tcp\n")
    names = named(database)
    assert names[80, False] == "web"
    assert names[80, True] == "http"
    assert names[53, True] == "dns"
    assert (99999, False) not in names


def test_without_a_database_well_known_names_remain(tmp_path):
    names = named(tmp_path / "none")
    assert names[443, False] == "https"
    assert len(names) == 2 * len(set(WELL_KNOWN.values()))
