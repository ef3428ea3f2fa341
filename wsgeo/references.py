"""The papers that wsgeo implements, by key; docstrings and ``wsgeo cite`` use these keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Reference:
    """One publication.

    Parameters
    ----------
    key : str
        Citation key, such as ``juneja2022``.
    kind : str
        BibTeX entry type.
    fields : tuple of (str, str)
        BibTeX fields in order.
    """

    key: str
    kind: str
    fields: tuple[tuple[str, str], ...]

    def bibtex(self) -> str:
        """Return the BibTeX entry.

        Returns
        -------
        str
            The entry, ending in a line break.

        Examples
        --------
        >>> print(REFERENCES["juneja2022"].bibtex().splitlines()[0])
        @inproceedings{juneja2022,
        """
        body = "".join(f"  {name} = {{{value}}},\n" for name, value in self.fields)
        return f"@{self.kind}{{{self.key},\n{body}}}\n"


def _paper(key: str, kind: str, **fields: str) -> Reference:
    return Reference(key, kind, tuple(fields.items()))


_ALL = (
    _paper(
        "juneja2022",
        "inproceedings",
        title="Linear Connectivity Reveals Generalization Strategies",
        author="Juneja, Jeevesh and Bansal, Rachit and Cho, Kyunghyun and Sedoc, Joao and "
        "Saphra, Naomi",
        booktitle="International Conference on Learning Representations",
        year="2023",
        eprint="2205.12411",
    ),
    _paper(
        "qin2022",
        "inproceedings",
        title="Exploring Mode Connectivity for Pre-trained Language Models",
        author="Qin, Yujia and Qian, Cheng and Yi, Jing and Chen, Weize and Lin, Yankai and "
        "Han, Xu and Liu, Zhiyuan and Sun, Maosong and Zhou, Jie",
        booktitle="Empirical Methods in Natural Language Processing",
        year="2022",
        eprint="2210.14102",
    ),
    _paper(
        "verma2024",
        "article",
        title="Merging Text Transformer Models from Different Initializations",
        author="Verma, Neha and Elbayad, Maha",
        journal="Transactions on Machine Learning Research",
        year="2024",
        eprint="2403.00986",
    ),
    _paper(
        "gueta2023",
        "inproceedings",
        title="Knowledge is a Region in Weight Space for Fine-tuned Language Models",
        author="Gueta, Almog and Venezian, Elad and Raffel, Colin and Slonim, Noam and "
        "Katz, Yoav and Choshen, Leshem",
        booktitle="Findings of the Association for Computational Linguistics: EMNLP",
        year="2023",
        eprint="2302.04863",
    ),
    _paper(
        "mccoy2019",
        "inproceedings",
        title="Right for the Wrong Reasons: Diagnosing Syntactic Heuristics in Natural Language "
        "Inference",
        author="McCoy, R. Thomas and Pavlick, Ellie and Linzen, Tal",
        booktitle="Association for Computational Linguistics",
        year="2019",
        eprint="1902.01007",
    ),
    _paper(
        "mccoy2020",
        "inproceedings",
        title="BERTs of a feather do not generalize together: Large variability in generalization "
        "across models with similar test set performance",
        author="McCoy, R. Thomas and Min, Junghyun and Linzen, Tal",
        booktitle="BlackboxNLP Workshop on Analyzing and Interpreting Neural Networks for NLP",
        year="2020",
        eprint="1911.02969",
    ),
    _paper(
        "salazar2020",
        "inproceedings",
        title="Masked Language Model Scoring",
        author="Salazar, Julian and Liang, Davis and Nguyen, Toan Q. and Kirchhoff, Katrin",
        booktitle="Association for Computational Linguistics",
        year="2020",
        eprint="1910.14659",
    ),
    _paper(
        "waudbysmith2023",
        "article",
        title="Estimating means of bounded random variables by betting",
        author="Waudby-Smith, Ian and Ramdas, Aaditya",
        journal="Journal of the Royal Statistical Society Series B: Statistical Methodology",
        volume="86",
        number="1",
        year="2024",
        eprint="2010.09686",
    ),
    _paper(
        "waudbysmith2024",
        "article",
        title="Time-uniform central limit theory and asymptotic confidence sequences",
        author="Waudby-Smith, Ian and Arbour, David and Sinha, Ritwik and Kennedy, Edward H. and "
        "Ramdas, Aaditya",
        journal="The Annals of Statistics",
        volume="52",
        number="6",
        year="2024",
        eprint="2103.06476",
    ),
)

REFERENCES: dict[str, Reference] = {reference.key: reference for reference in _ALL}
