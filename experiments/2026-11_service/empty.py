"""A BentoML service that does nothing: what the framework itself costs."""

import bentoml


@bentoml.service(workers=1)
class Empty:
    """Answers whatever it is asked with nothing."""

    @bentoml.api(route="/empty")  # type: ignore[untyped-decorator]
    def empty(self, account_ids: list[str]) -> dict[str, int]:
        """Count what was asked."""
        return {"asked": len(account_ids)}
