"""Columns of the console's files, header texts in two languages (billing-rules.md §9.2)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

ExportName = Literal["calls", "sms", "stats", "bill", "quota", "numbers"]

COLUMNS: Mapping[ExportName, tuple[str, ...]] = MappingProxyType(
    {
        "calls": (
            "record_id", "binding_id", "app_key", "x_number", "caller", "callee", "call_in_time",
            "answer_time", "end_time", "duration_s", "billed_minutes", "result",
        ),
        "sms": ("sms_id", "app_key", "x_number", "sender", "receiver", "time", "parts", "result"),
        "stats": (
            "period_start", "period_end", "app_key", "city", "enterprise", "attempts", "connected",
            "duration_s", "sms_sends", "sms_success", "sms_parts", "binds", "manual_unbinds", "auto_unbinds",
        ),
        "bill": (
            "period", "charge_time", "item", "number_type", "x_number", "quantity", "unit_price",
            "list_amount", "package_quantity", "discount", "amount", "currency",
        ),
        "quota": (
            "order_number", "effective_at", "expires_at", "minutes_total", "minutes_left", "parts_total",
            "parts_left", "as_of",
        ),
        "numbers": (
            "x_number", "number_type", "app_key", "city_code", "state", "sms", "real_name", "issued_on",
            "unsubscribed_on",
        ),
    }
)  # fmt: skip

CHINESE: Mapping[str, str] = MappingProxyType(
    {
        "record_id": "呼叫记录ID", "binding_id": "绑定ID", "app_key": "APP_Key", "x_number": "隐私号码",
        "caller": "主叫号码", "callee": "被叫号码", "call_in_time": "呼叫时间", "answer_time": "接通时间",
        "end_time": "结束时间", "duration_s": "通话时长(秒)", "billed_minutes": "计费时长(分钟)",
        "result": "呼叫结果", "sms_id": "短信ID", "sender": "发送方号码", "receiver": "接收方号码",
        "time": "发送时间", "parts": "短信条数",
        "period_start": "开始日期", "period_end": "结束日期", "city": "城市",
        "enterprise": "企业", "attempts": "呼叫次数", "connected": "接通次数",
        "sms_sends": "短信发送次数", "sms_success": "短信成功次数", "sms_parts": "短信条数",
        "binds": "绑定次数", "manual_unbinds": "主动解绑次数", "auto_unbinds": "自动解绑次数",
        "period": "账期", "charge_time": "扣费时间", "item": "费用项", "number_type": "号码类型",
        "quantity": "用量", "unit_price": "单价", "list_amount": "官网价",
        "package_quantity": "套餐包抵扣量", "discount": "优惠金额", "amount": "应付金额",
        "currency": "币种", "order_number": "订单号", "effective_at": "生效时间", "expires_at": "失效时间",
        "minutes_total": "通话总分钟数", "minutes_left": "剩余分钟数", "parts_total": "短信总条数",
        "parts_left": "剩余短信条数", "as_of": "查询时间",
        "city_code": "城市码", "state": "状态", "sms": "短信",
        "real_name": "实名认证", "issued_on": "下发日期", "unsubscribed_on": "退订日期",
    }
)  # fmt: skip
"""Header texts with `headers` = `zh`; illustrations, as the provider's own texts are not published."""

CHINESE_VALUES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "item": {"rent": "号码月租费", "call": "通话服务费", "sms": "短信服务费", "package": "套餐包"},
        "number_type": {"virtual": "虚号", "carrier": "实号"},
    }
)
"""Cell texts that go with those headers, by column."""
