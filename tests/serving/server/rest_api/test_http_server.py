"""The server of the REST API: limits, timeouts, metrics, start and stop."""

import concurrent.futures
import http.client
import json
import re
import socket

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.server.monitoring import DEFAULT_METRICS_PATH, Metrics
from tests.serving.server import rest_model

ONE = {"instances": [1.0]}


@pytest.fixture
def gated():
    """An API that predicts once its gate is open."""
    api = rest_model.make_api(rest_model.GatedApi)
    yield api
    api.gate.set()


def test_a_body_beyond_the_limit_is_refused():
    small = json.dumps(ONE).encode()
    with rest_model.serve(max_body_bytes=len(small)) as url:
        large = httpx.post(f"{url}:predict", content=small + b" ")
        pieces = httpx.post(f"{url}:predict", content=iter([small, b" "]))  # no Content-Length
        for response in (large, pieces):
            assert response.status_code == 413
            assert response.json() == {
                "error": f"The request is larger than the {len(small)} bytes that are taken"
            }
        assert httpx.post(f"{url}:predict", content=small).status_code == 200


def test_a_request_that_takes_too_long_is_given_up(gated):
    with rest_model.serve(gated, timeout_s=0.5) as url:
        response = httpx.post(f"{url}:predict", json=ONE, timeout=60)
    assert response.status_code == 504
    assert response.json() == {"error": "Timed out waiting for notification"}


def test_a_slow_model_holds_up_no_other_request(gated, wait_until):
    with rest_model.serve(gated, threads=2) as url, concurrent.futures.ThreadPoolExecutor() as pool:
        slow = pool.submit(httpx.post, f"{url}:predict", json=ONE, timeout=60)
        wait_until(lambda: gated.waiting)
        assert httpx.get(url, timeout=60).status_code == 200
        assert not slow.done()
        gated.gate.set()
        assert slow.result().json() == {"predictions": [2.5]}


def test_no_more_requests_are_worked_on_than_there_are_threads(gated, wait_until):
    with rest_model.serve(gated, threads=2) as url, concurrent.futures.ThreadPoolExecutor() as pool:
        requests = [
            pool.submit(httpx.post, f"{url}:predict", json=ONE, timeout=60) for _ in range(4)
        ]
        wait_until(lambda: gated.waiting == 2)
        status = pool.submit(httpx.get, url, timeout=60)
        with pytest.raises(concurrent.futures.TimeoutError):
            status.result(timeout=0.3)
        assert gated.waiting == 2
        gated.gate.set()
        assert [future.result().status_code for future in [*requests, status]] == [200] * 5


def test_requests_are_counted():
    metrics = Metrics()
    with rest_model.serve(observers=[metrics.observe], metrics=metrics) as url:
        httpx.post(f"{url}:predict", json=ONE)
        httpx.post(f"{url}:predict", content=b"{")
        examples = [{"x": 1.0}] * 3
        httpx.post(f"{url}:regress", json={"signature_name": "regress", "examples": examples})
        httpx.get(url)
        page = httpx.get(httpx.URL(url).join(DEFAULT_METRICS_PATH))
    assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(page.text)}
    counted = families[":tensorflow:serving:request_count"].samples
    assert {(s.labels["model_name"], s.labels["status"]): s.value for s in counted} == {
        ("zoo", "OK"): 2,
        ("zoo", "INVALID_ARGUMENT"): 1,
    }
    latency = families[":tensorflow:serving:request_latency"].samples
    assert {(s.labels["API"], s.labels["entrypoint"]) for s in latency} == {
        ("predict", "REST"),
        ("regress", "REST"),
    }
    total = families[":tensorflow:serving:request_example_count"].samples
    assert [(s.labels, s.value) for s in total] == [({"model": "zoo"}, 3)]


def test_a_client_that_stops_sending_gets_a_timeout():
    with rest_model.serve(timeout_s=0.2) as url:
        address = (httpx.URL(url).host, httpx.URL(url).port)
        with socket.create_connection(address) as connection:
            connection.sendall(
                b"POST /v1/models/zoo:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
            )
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert response.status == 408
            error = json.loads(response.read())["error"]
            assert error == "No more of the request came within 0.2 seconds"
        assert httpx.get(url, timeout=60).status_code in (200, 504)


def test_a_client_that_goes_away_is_forgotten(caplog):
    with rest_model.serve() as url:
        with socket.create_connection((httpx.URL(url).host, httpx.URL(url).port)) as connection:
            connection.sendall(
                b"POST /v1/models/zoo:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
            )
        assert httpx.get(url).status_code == 200
    assert not caplog.records


def test_what_is_no_http_is_refused():
    with rest_model.serve() as url:
        with socket.create_connection((httpx.URL(url).host, httpx.URL(url).port)) as connection:
            connection.sendall(b"\x16\x03\x01\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 400"
        assert httpx.get(url).status_code == 200


def test_stopping_answers_what_was_accepted_and_takes_no_more(gated, wait_until):
    server = rest_model.make_server(gated, threads=1)
    server.start()
    path = f"http://127.0.0.1:{server.port}/v1/models/zoo:predict"
    with concurrent.futures.ThreadPoolExecutor() as pool:
        requests = [pool.submit(httpx.post, path, json=ONE, timeout=60) for _ in range(2)]
        # One waits before the gate, and one for a thread.
        wait_until(lambda: gated.waiting and len(server._server.server_state.tasks) == 2)
        stopping = pool.submit(server.stop, grace_s=60.0)
        wait_until(lambda: not server._server.servers[0].is_serving())
        with pytest.raises(httpx.TransportError):
            httpx.post(path, json=ONE)
        assert not stopping.done()
        gated.gate.set()
        assert [future.result().status_code for future in requests] == [200, 200]
        stopping.result()


def test_stopping_ends_after_its_grace(gated, wait_until):
    server = rest_model.make_server(gated)
    server.start()
    path = f"http://127.0.0.1:{server.port}/v1/models/zoo:predict"
    with concurrent.futures.ThreadPoolExecutor() as pool:
        request = pool.submit(httpx.post, path, json=ONE, timeout=60)
        wait_until(lambda: gated.waiting)
        server.stop(grace_s=0.1)
        assert not gated.gate.is_set()
        assert request.result().status_code == 503
        assert request.result().json() == {"error": "The server is stopping"}


def test_a_server_that_never_started_stops():
    server = rest_model.make_server(rest_model.make_api())
    server.stop()
    assert server.port == 0


def test_a_fault_of_the_server_is_an_internal_error_and_logged(caplog):
    class Broken(rest_model.ExamplesApi):
        def predict(self, request):
            raise ZeroDivisionError("secret")

    with rest_model.serve(rest_model.make_api(Broken)) as url:
        response = httpx.post(f"{url}:predict", json=ONE)
    assert response.status_code == 500
    assert response.json() == {"error": "Internal error"}
    assert ": predict failed" in caplog.text
    assert "secret" in caplog.text


def test_a_port_that_is_taken_is_an_error():
    with rest_model.serve() as url:
        port = httpx.URL(url).port
        server = rest_model.make_server(rest_model.make_api(), port=port)
        with pytest.raises(OSError, match=re.escape(f"cannot listen on 127.0.0.1:{port}")):
            server.start()
