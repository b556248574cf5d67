"""A body and its answer for each kind of request, for the page of requests and openapi.json."""

_TEXTS = ["Where is my parcel?", ["The lid came cracked.", "A pair of texts is a list of two."]]

# path -> (body, answer)
OF = {
    "/v1/predict": (
        {"texts": _TEXTS},
        {
            "predictions": [
                {
                    "label": name,
                    "probabilities": {"order_status": p, "damaged_item": 1 - p},
                    "score": None,
                    "truncated": False,
                }
                for name, p in (("order_status", 0.875), ("damaged_item", 0.25))
            ]
        },
    ),
    "/v1/tag": (
        {"texts": ["Ada met Bo in Paris.", ["Ada", "met", "Bo"]]},
        {
            "predictions": [
                {
                    "text": "Bo left",
                    "words": ["Bo", "left"],
                    "tags": ["B-PER", "O"],
                    "confidences": [0.75, 0.875],
                    "starts": [0, 3],
                    "ends": [2, 7],
                    "entities": [
                        {
                            "type": "PER",
                            "text": "Bo",
                            "start": 0,
                            "end": 2,
                            "score": 0.75,
                            "first_word": 0,
                            "end_word": 1,
                        }
                    ],
                }
            ]
        },
    ),
    "/v1/answer": (
        {"questions": [{"question": "Where is Ada?", "context": "Ada went to Paris."}]},
        {
            "answers": [
                {
                    "text": "Paris",
                    "score": 0.875,
                    "start": 12,
                    "end": 17,
                    "null_score": -2.5,
                    "nbest": [
                        {"text": "Paris", "score": 0.875, "start": 12, "end": 17, "start_logit": 4.5, "end_logit": 3.25}
                    ],
                }
            ]
        },
    ),
    "/v1/rank": (
        {"queries": [{"query": "How large is it?", "candidates": ["It is blue.", "It is two metres wide."]}]},
        {
            "rankings": [
                {
                    "candidates": ["It is two metres wide.", "It is blue."],
                    "probabilities": [0.875, 0.125],
                    "places": [1, 0],
                    "truncated": False,
                }
            ]
        },
    ),
    "/v1/embed": (
        {"texts": _TEXTS, "pooling": "mean", "normalize": True},
        {"embeddings": [[0.125, -0.25, 0.0625], [0.5, 0.75, -0.125]], "truncated": [False, False]},
    ),
    "/v1/attention": (
        {"text": "my parcel", "layer": 0, "head": 1},
        {
            "tokens": ["[CLS]", "my", "parcel", "[SEP]"],
            "attention": [
                [0.25, 0.25, 0.25, 0.25],
                [0.125, 0.5, 0.25, 0.125],
                [0.125, 0.5, 0.25, 0.125],
                [0, 0, 0.5, 0.5],
            ],
            "truncated": False,
        },
    ),
}
_REFUSAL = {"error": "texts[1]: a string is needed, or a list of two strings"}


def add_to(description):
    """Adds the examples to what FastAPI's `openapi()` gives, which would leave out each null."""
    for path, (body, answer) in OF.items():
        operation = description["paths"][path]["post"]
        operation["requestBody"]["content"]["application/json"]["example"] = body
        operation["responses"] = {
            "200": {"description": "The answer", "content": {"application/json": {"example": answer}}},
            "4XX": {"description": "A refusal", "content": {"application/json": {"example": _REFUSAL}}},
        }
